"""The loaders on tiny archives in the true layouts, with everything in them that goes wrong."""

import builtins
import hashlib
import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from test_image_table import noise, saved

from sgid.datasets import DataSet, Request, prepare
from sgid.datasets.archives import members
from sgid.datasets.cifar import load
from sgid.image_table import decode, encoded_of, image_rows, read_table, read_test_table, write_row_groups

JPEG = saved(noise(), "JPEG")
Files = Mapping[str, bytes]


def tar_of(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def zip_of(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def folder_of(path: Path, files: Files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


ARCHIVES: dict[str, Callable[[Path, Files], Path]] = {"x.tar.gz": tar_of, "x.zip": zip_of}
each_archive = pytest.mark.parametrize("name", ARCHIVES)


def flipped(path: Path, share: float) -> Path:
    """The file, one bit changed at this share of its length."""
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 0x10
    path.write_bytes(data)
    return path


def read(path: Path) -> dict[str, bytes]:
    return {name: reading() for name, reading in members(path)}


def prepared(source: str, files: Mapping[str, Path], *, validation=0.5, broken="stop", sizes=None, **asked) -> DataSet:
    workspace = next(iter(files.values())).parent / "workspace"
    entry = {"source": source, "validation": validation, "broken": broken} | (sizes or {})
    return prepare(source, entry, Request(files=files, **asked), workspace=workspace)


def labels_of(data: DataSet) -> dict[str, dict[str, int]]:
    return {split: {each.image_id: each.label for each in part} for split, part in data.parts.items()}


def mat(**variables) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables)
    return buffer.getvalue()


@each_archive
@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "images/../../evil", "..\\evil", "C:\\evil"])
def test_a_member_that_points_out_of_its_archive_is_refused(name, member, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"good": b"1", member: b"2"})
    with pytest.raises(ValueError, match=rf"{name}: member .*evil' points out of the archive; do not trust"):
        read(path)


def tar_link(path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("images/a.jpg")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "w") as archive:
        archive.addfile(entry)


def zip_link(path: Path) -> None:
    entry = zipfile.ZipInfo("images/a.jpg")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")


LINKS = {
    "symbolic in tar": lambda path: tar_link(path, tarfile.SYMTYPE),
    "hard in tar": lambda path: tar_link(path, tarfile.LNKTYPE),
    "symbolic in zip": zip_link,
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_member_that_is_a_link_is_refused(kind, tmp_path):
    LINKS[kind](tmp_path / "archive")
    with pytest.raises(ValueError, match=r"archive: member 'images/a\.jpg' is a link; no data set has any"):
        read(tmp_path / "archive")


@each_archive
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.99])
def test_an_archive_that_was_cut_is_refused_in_one_line(name, share, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"a": noise().tobytes(), "b": noise(50, 50).tobytes()})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=rf"^.*{name}: cannot be read to its end \(.*\); delete it, fetch it again$"):
        read(path)


@each_archive
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_byte_that_was_flipped_is_noticed(name, share, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"a": noise(60, 60).tobytes()})
    with pytest.raises(ValueError, match=f"{name}: cannot be read to its end"):
        read(flipped(path, share))


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html><html>Quota exceeded</html>" * 50, noise().tobytes()])
def test_what_is_no_archive_is_refused_in_one_line(data, tmp_path):
    (tmp_path / "x.tgz").write_bytes(data)
    with pytest.raises(ValueError, match=r"^.*x\.tgz: cannot be read to its end \(.*\); delete it, fetch it again$"):
        read(tmp_path / "x.tgz")


def caltech101(tmp_path: Path, damage: Callable[[bytes], bytes] = bytes, end: str = ".jpg") -> DataSet:
    names = {f"101_ObjectCategories/{name}/image_000{k}{end}": JPEG for name in STRANGE for k in (1, 2, 3)}
    inner = damage(tar_of(tmp_path / "inner", names | {"101_ObjectCategories/BACKGROUND_Google/tmp": b""}).read_bytes())
    path = zip_of(tmp_path / "caltech.zip", {"caltech-101/101_ObjectCategories.tar.gz": inner, "__MACOSX/x": b""})
    splits = {1: "train", 2: "train", 3: "test"}
    split_of = {f"{name}/image_000{k}": split for name in STRANGE for k, split in splits.items()}
    return prepared("caltech101", {"images": path}, split_of=split_of)


STRANGE = ["-rf", "a b", "it's", 'say "x"', "x;y", "né日本", "$HOME", "%s{}"]


def test_class_folders_may_have_any_name(tmp_path):
    data = caltech101(tmp_path)
    assert data.names == sorted(STRANGE)
    assert set(labels_of(data)["test"]) == {f"{name}/image_0003" for name in STRANGE}
    data.write("train", tmp_path / "train.parquet")
    assert read_table(tmp_path / "train.parquet")["image_id"].to_pylist() == sorted(labels_of(data)["train"])


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda _: b"<html>"])
def test_a_damaged_archive_inside_an_archive_is_refused_by_both_names(damage, tmp_path):
    with pytest.raises(ValueError, match=r"caltech\.zip/.*/101_ObjectCategories\.tar\.gz: cannot be read to its end"):
        caltech101(tmp_path, damage)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_flipped_byte_is_noticed_through_two_archives(share, tmp_path):
    caltech101(tmp_path)
    path = flipped(tmp_path / "caltech.zip", share)
    with pytest.raises(ValueError, match=r"101_ObjectCategories\.tar\.gz: cannot be read to its end"):
        prepared("caltech101", {"images": path}, split_of={"-rf/image_0001": "train"})


def test_images_that_a_frozen_split_names_must_be_in_the_archive(tmp_path):
    with pytest.raises(ValueError, match=r"^caltech101: 24 of its 24 images are not in the archive \(one is '"):
        caltech101(tmp_path, end=".png")


class Python2(pickle._Pickler):
    """Byte strings as Python 2 wrote them, NumPy's module by its name of then."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, text: bytes | str) -> None:
        data = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(text)

    dispatch[bytes] = dispatch[str] = save_string


def python2(value: object) -> bytes:
    buffer = io.BytesIO()
    Python2(buffer, 2).dump(value)
    return buffer.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


PICKLERS = {"python 2": python2} | {f"protocol {k}": lambda value, k=k: pickle.dumps(value, k) for k in (2, 4)}
LABELS = {"data_batch_1": [0, 1], "data_batch_2": [1, 0], "data_batch_3": [0], "data_batch_4": [1], "data_batch_5": [0]}
LABELS |= {"test_batch": [1, 0]}


def cifar(tmp_path: Path, pickled: Callable = python2, **exchanged: object) -> DataSet:
    """CIFAR-10, some members exchanged; None takes one out."""
    rows = {name: np.full((len(labels), 3072), k, np.uint8) for k, (name, labels) in enumerate(LABELS.items())}
    batches = {name: {"labels": labels, "data": rows[name]} for name, labels in LABELS.items()}
    batches |= {"batches.meta": {"label_names": ["cat", "dog"]}} | exchanged
    files = {f"cifar-10-batches-py/{name}": pickled(value) for name, value in batches.items() if value is not None}
    return prepared("cifar10", {"data": tar_of(tmp_path / "cifar.tgz", files)})


@pytest.mark.parametrize("pickled", PICKLERS)
def test_batches_are_read_in_the_order_of_their_numbers_whoever_pickled_them(pickled, tmp_path):
    data = cifar(tmp_path, PICKLERS[pickled])
    assert list(labels_of(data)["train"].values()) == [0, 1, 1, 0, 0, 1, 0]
    levels = [decode(picture).getpixel((0, 0))[0] for _, picture in encoded_of(data.table("train"))]
    assert levels == [0, 0, 1, 1, 2, 3, 4]


class Call:
    def __init__(self, function: Callable, *arguments: object):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("function", [os.system, builtins.eval])
def test_a_pickle_that_runs_something_is_refused_and_not_run(function, protocol, tmp_path):
    code = {os.system: f"touch {tmp_path}/ran", builtins.eval: f"open('{tmp_path}/ran', 'w')"}[function]
    evil = {"labels": [0], "data": Call(function, code)}
    with pytest.raises(ValueError, match=rf"^x: .* asks for \w+\.{function.__name__}, which is no part of .*; not run"):
        load(pickle.dumps(evil, protocol), Path("x"))
    assert not (tmp_path / "ran").exists()


def test_a_pickle_that_was_cut_anywhere_is_refused():
    data = python2({"labels": [0, 1], "data": np.zeros((2, 8), np.uint8), "filenames": ["a.png", "b.png"]})
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"^x: is no CIFAR batch \("):
            load(data[:length], Path("x"))


def test_a_pickle_that_speaks_of_more_bytes_than_can_be_is_refused():
    with pytest.raises(ValueError, match=r"^x: is no CIFAR batch \("):
        load(b"\x80\x04" + pickle.BINBYTES8 + bytes([255] * 8), Path("x"))


def batch(*labels: object, key: str = "labels", shape: tuple = (1, 3072), kind: type = np.uint8) -> dict:
    return {key: list(labels), "data": np.zeros(shape, kind)}


UNFIT = "its pixels and labels do not fit each other"


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("test_batch", batch(2), "a label lies outside 0 to 1"),
        ("test_batch", batch(-1), "a label lies outside 0 to 1"),
        ("test_batch", batch(0, 1), UNFIT),
        ("test_batch", batch(0, shape=(1, 1024)), UNFIT),
        ("test_batch", batch(0, kind=np.float64), UNFIT),
        ("test_batch", batch(0, key="fine_labels"), UNFIT),
        ("test_batch", [0], r"is no CIFAR batch \(a list\)"),
        ("batches.meta", {"fine_label_names": ["cat"]}, "has no label_names"),
        ("data_batch_4", None, "holds no data_batch_4; it is not the archive that the configuration describes"),
    ],
)
def test_a_batch_that_is_none_is_refused_by_its_name(member, value, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"cifar\.tgz(/{member})?: {sentence}"):
        cifar(tmp_path, **{member: value})


TEXTURES = ["a/a_0001", "a/a_0002", "a/a_0003", "b/b_0001", "b/b_0002", "b/b_0003"]


def dtd(tmp_path: Path, pictures: Files | None = None, *, split: str = "partition-1", **asked) -> DataSet:
    """Two classes; partition k trains on image k of both, validates on the next and tests on the one after."""
    pictures = dict.fromkeys(TEXTURES, JPEG) | (pictures or {})
    files = {f"dtd/images/{name}.jpg": data for name, data in pictures.items() if data is not None}
    for number in (1, 2, 3):
        for file, after in {"train": 0, "val": 1, "test": 2}.items():
            names = [f"{kind}/{kind}_000{(number - 1 + after) % 3 + 1}.jpg" for kind in "ab"]
            files[f"dtd/labels/{file}{number}.txt"] = "\n".join(names).encode()
    asked = {"split": split, "validation": "official"} | asked
    return prepared("dtd", {"data": tar_of(tmp_path / "dtd.tar.gz", files)}, **asked)


@pytest.mark.parametrize(("number", "images"), [(1, (1, 2, 3)), (2, (2, 3, 1)), (3, (3, 1, 2))])
def test_a_partition_is_known_by_its_number(number, images, tmp_path):
    wanted = dict(zip(("train", "validation", "test"), images, strict=True))
    assert labels_of(dtd(tmp_path, split=f"partition-{number}")) == {
        split: {f"a/a_000{k}": 0, f"b/b_000{k}": 1} for split, k in wanted.items()
    }


def test_train_and_validation_of_a_partition_can_be_trained_on_together(tmp_path):
    parts = labels_of(dtd(tmp_path, split="partition-2-trainval", validation=0.5))
    assert parts["train"].keys() == {"a/a_0002", "a/a_0003", "b/b_0002", "b/b_0003"}
    assert parts["validation"].items() < parts["train"].items()
    assert parts["test"].keys() == {"a/a_0001", "b/b_0001"}


KNOWN = dict.fromkeys(("cifar10", "cifar100", "cars", "pets"), "official")
KNOWN |= {"flowers102": "official, trainval", "dtd": "partition-1, partition-1-trainval, .*, partition-10-trainval"}


@pytest.mark.parametrize("source", KNOWN)
def test_a_split_that_a_source_does_not_have_is_refused_with_those_it_has(source, tmp_path):
    with pytest.raises(ValueError, match=rf"^split: 'mine' is not defined for {source} \(have: {KNOWN[source]}\)$"):
        prepared(source, {"data": tmp_path / "nothing"}, split="mine")


def test_an_image_that_a_list_names_and_the_archive_lacks_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^dtd: 1 images that its lists name are missing \(one is 'b/b_0002'\)"):
        dtd(tmp_path, {"b/b_0002": None})


def test_sizes_that_differ_from_the_entry_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^dtd: train is 2 in the source and 1880 in the configuration"):
        dtd(tmp_path, sizes={"train": 1880})


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(noise(30, 20), "JPEG", exif=exif)


def clear_palette() -> Image.Image:
    picture = Image.new("P", (20, 20))
    picture.putpalette([255, 0, 0])
    return picture


KEPT = {
    "JPEG RGB": JPEG,
    "JPEG L": saved(Image.new("L", (20, 20), 77), "JPEG"),
    "JPEG CMYK": saved(Image.new("CMYK", (20, 20), (0, 200, 200, 0)), "JPEG"),
    "PNG RGB": saved(noise()),
}
MADE_PNG = {
    "GIF P": saved(noise().quantize(16), "GIF"),
    "PNG P": saved(clear_palette(), transparency=0),
    "PNG RGBA": saved(Image.new("RGBA", (20, 20), (255, 0, 0, 128))),
    "PNG I;16": saved(Image.fromarray(np.full((20, 20), 0x8000, np.uint16))),
    "PNG LA": saved(Image.new("LA", (20, 20), (0, 128))),
}
BROKEN = {
    "no content": (b"", r"has no content \(0 bytes\)"),
    "cut": (saved(noise(60, 60), "JPEG")[:2000], r"cannot be decoded as an image \(image file is truncated"),
    "a page": (b"<html>Not found</html>", r"cannot be decoded as an image \(cannot identify"),
}


@pytest.mark.parametrize("found", KEPT)
def test_jpegs_and_plain_pngs_keep_their_bytes_whatever_they_are_called(found, tmp_path):
    data = dtd(tmp_path, {"a/a_0001": KEPT[found]})
    assert next(encoded_of(data.table("train"))) == ("a/a_0001", KEPT[found])
    assert data.index["format"][0] == found


@pytest.mark.parametrize("found", MADE_PNG)
def test_other_pictures_become_rgb_pngs_of_equal_pixels(found, tmp_path):
    data = dtd(tmp_path, {"a/a_0001": MADE_PNG[found]})
    image = Image.open(io.BytesIO(next(encoded_of(data.table("train")))[1]))
    assert (image.format, image.mode, data.index["format"][0]) == ("PNG", "RGB", found)
    assert image.tobytes() == decode(MADE_PNG[found]).tobytes()


def test_a_suffix_says_what_a_picture_has_become(tmp_path):
    data = dtd(tmp_path, {"a/a_0001": MADE_PNG["GIF P"]})
    assert [image["path"] for image in data.table("train")["image"].to_pylist()] == ["a/a_0001.png", "b/b_0001.jpg"]


@pytest.mark.parametrize(("orientation", "size"), [(1, (30, 20)), (6, (20, 30)), (0, (30, 20)), (9, (30, 20))])
def test_a_turned_photograph_keeps_its_bytes_and_is_decoded_upright(orientation, size, tmp_path):
    _, data = next(encoded_of(dtd(tmp_path, {"a/a_0001": oriented(orientation)}).table("train")))
    assert (data, decode(data).size) == (oriented(orientation), size)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_picture_stops_the_run_with_its_reason(kind, tmp_path):
    data, reason = BROKEN[kind]
    with pytest.raises(ValueError, match=rf"^dtd: 1 of 6 images cannot be used \(a/a_0001: {reason}.*`broken: leave"):
        dtd(tmp_path, {"a/a_0001": data})


def test_broken_pictures_are_left_out_and_listed_where_the_entry_says_so(tmp_path):
    broken = {"a/a_0001": BROKEN["cut"][0], "b/b_0003": b""}
    data = dtd(tmp_path, broken, broken="leave out")
    assert [list(part) for part in labels_of(data).values()] == [["b/b_0001"], ["a/a_0002", "b/b_0002"], ["a/a_0003"]]
    assert data.left_out["member"].tolist() == list(broken)
    assert data.left_out["reason"].str.contains("truncated|0 bytes").all()


def test_a_split_that_only_had_broken_pictures_is_not_written(tmp_path):
    data = dtd(tmp_path, {"a/a_0001": b"", "b/b_0001": b""}, broken="leave out")
    with pytest.raises(ValueError, match=r"train\.parquet: no image to write; a split cannot be empty"):
        data.write("train", tmp_path / "train.parquet")


@pytest.mark.parametrize(
    ("split", "validation", "numbers"),
    [
        ("official", "official", {"train": [1, 5], "validation": [2, 6], "test": [3, 4]}),
        ("trainval", 0.5, {"train": [1, 2, 5, 6], "test": [3, 4]}),
    ],
)
def test_flowers_count_from_1_and_labels_from_0(split, validation, numbers, tmp_path):
    labels, lists = np.array([1, 2, 2, 1, 2, 1], np.uint8), {"trnid": [5, 1], "valid": [2, 6], "tstid": [4, 3]}
    folder_of(tmp_path, {"labels": mat(labels=labels), "splits": mat(**lists)})
    tar_of(tmp_path / "images", {f"jpg/image_{k:05d}.jpg": JPEG for k in range(1, 7)})
    files = {role: tmp_path / role for role in ("images", "labels", "splits")}
    parts = labels_of(prepared("flowers102", files, split=split, validation=validation, names=["rose", "lily"]))
    for part, wanted in numbers.items():
        assert parts[part] == {f"image_{k:05d}": labels[k - 1] - 1 for k in wanted}


def test_a_breed_that_the_list_and_the_configuration_call_otherwise_is_refused(tmp_path):
    lists = {"annotations/trainval.txt": b"# name class species breed\npug_1 1 2 1\n", "annotations/test.txt": b""}
    files = {"annotations": tar_of(tmp_path / "a.tgz", lists), "images": tmp_path}
    with pytest.raises(ValueError, match=r"trainval\.txt: pug_1 is of class 1, which `class_names` calls otherwise"):
        prepared("pets", files, names=["beagle"])


CARS = ["Ram C/V Cargo Van Minivan 2012", "Acura TL"]
TEST_LABELS = "cars_test_annos_withlabels.mat"
PARTS = ("cars_train", "cars_test", "devkit")


def annotations(rows: list[tuple], **fields: object) -> np.ndarray:
    return np.array([rows], dtype=list(fields.items()))


def car_files() -> dict[str, bytes]:
    """Two photographs of each class and split, as the official archives name them."""
    rows = [(1, "00001.jpg"), (2, "00002.jpg"), (1, "00003.jpg"), (2, "00004.jpg")]
    kinds = annotations(rows, **{"class": np.uint8, "fname": object})
    files = {f"cars_{split}/{name}": JPEG for split in ("train", "test") for _, name in rows}
    return files | {
        "devkit/cars_train_annos.mat": mat(annotations=kinds),
        "devkit/cars_meta.mat": mat(class_names=np.array(CARS, object)),
        TEST_LABELS: mat(annotations=kinds),
    }


def in_four_files(tmp_path: Path, files: Files) -> dict[str, Path]:
    parts = {part: {name: files[name] for name in files if name.startswith(f"{part}/")} for part in PARTS}
    archives = {part: tar_of(tmp_path / f"{part}.tgz", inside) for part, inside in parts.items()}
    return archives | {"test_labels": folder_of(tmp_path, {TEST_LABELS: files[TEST_LABELS]}) / TEST_LABELS}


def in_a_nested_zip(tmp_path: Path, files: Files) -> dict[str, Path]:
    nested = {f"{name.split('/')[0]}/{name}" if name.endswith(".jpg") else name: data for name, data in files.items()}
    return {"repacking": zip_of(tmp_path / "x.zip", nested)}


PACKINGS = {
    "four files": in_four_files,
    "folder": lambda tmp_path, files: {"repacking": folder_of(tmp_path / "mine", files)},
    "nested zip": in_a_nested_zip,
}


def md5s(files: Files) -> dict[str, str]:
    return {name.split("/")[-1]: hashlib.md5(files[name]).hexdigest() for name in files if name.endswith(".mat")}


@pytest.mark.parametrize("packing", PACKINGS)
def test_cars_are_the_same_however_they_are_packed(packing, tmp_path):
    files = car_files()
    data = prepared("cars", PACKINGS[packing](tmp_path, files), annotations=md5s(files))
    assert data.names == CARS
    assert labels_of(data)["train"] == {f"cars_train/0000{k}": (k - 1) % 2 for k in (1, 2, 3, 4)}
    assert labels_of(data)["test"] == {f"cars_test/0000{k}": (k - 1) % 2 for k in (1, 2, 3, 4)}


def test_the_second_numbering_of_cars_says_of_each_image_whether_it_is_tested(tmp_path):
    rows = [("car_ims/000001.jpg", 2, 1), ("car_ims/000002.jpg", 1, 0), ("car_ims/000003.jpg", 1, 0)]
    kinds = annotations(rows, relative_im_path=object, **{"class": np.uint8}, test=np.uint8)
    listed = {"cars_annos.mat": mat(annotations=kinds, class_names=np.array(CARS, object))}
    path = tar_of(tmp_path / "x.tgz", {name: JPEG for name, _, _ in rows} | listed)
    parts = labels_of(prepared("cars", {"repacking": path}))
    assert parts["train"] == {"car_ims/000002": 0, "car_ims/000003": 0}
    assert parts["test"] == {"car_ims/000001": 1}


def test_annotations_of_cars_that_are_not_the_genuine_ones_are_refused(tmp_path):
    files, wrong = car_files(), {"cars_meta.mat": "0" * 32}
    with pytest.raises(ValueError, match=r"^cars_meta\.mat in .*: its md5 is \w{32} where 0{32} is expected; get the"):
        prepared("cars", in_a_nested_zip(tmp_path, files), annotations=md5s(files) | wrong)


def test_the_labels_of_the_test_cars_are_asked_for_where_they_are_missing(tmp_path):
    files = car_files()
    md5 = hashlib.md5(files.pop(TEST_LABELS)).hexdigest()
    with pytest.raises(ValueError, match=rf"^{TEST_LABELS} \(md5 {md5}\) is missing in .*x\.zip; put it beside the"):
        prepared("cars", in_a_nested_zip(tmp_path, files), annotations={TEST_LABELS: md5})


def test_a_file_called_mat_that_is_none_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"^cars_meta\.mat: is no readable MATLAB file .*; fetch it again$"):
        prepared("cars", in_a_nested_zip(tmp_path, car_files() | {"devkit/cars_meta.mat": b"<html>"}))


def test_a_written_split_knows_what_it_is_and_only_one_reader_opens_test(tmp_path):
    data = dtd(tmp_path)
    for split in ("train", "test"):
        data.write(split, tmp_path / f"{split}.parquet")
    (tmp_path / "test.parquet").rename(tmp_path / "train-2.parquet")
    assert read_table(tmp_path / "train.parquet").equals(data.table("train"))
    assert read_test_table(tmp_path / "train-2.parquet").equals(data.table("test"))
    with pytest.raises(ValueError, match=r"train-2\.parquet: holds the test images"):
        read_table(tmp_path / "train-2.parquet")


@pytest.mark.parametrize("groups", [["b", "a"], ["ba"], ["ab", "b"], ["aa"]])
def test_row_groups_out_of_the_order_of_their_ids_are_refused(groups, tmp_path):
    tables = [image_rows(list(ids), [JPEG] * len(ids), [0] * len(ids)) for ids in groups]
    with pytest.raises(ValueError, match=r"t\.parquet: image_id '[ab]' occurs more than once, or out of order"):
        write_row_groups(tables, tmp_path / "t.parquet", metadata={})
    assert not list(tmp_path.iterdir())
