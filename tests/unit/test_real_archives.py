"""The seven sets from small real archives, image by image against torchvision's own loaders."""

import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from dev_archives import DEV, NAMES, SIZES, needs_dev, prepared, registry_of
from PIL import Image
from torchvision import datasets as vision

from sgid.dataset_registry import DatasetRegistry
from sgid.datasets import DataSet
from sgid.datasets.archives import in_nested_tar
from sgid.datasets.caltech101 import INNER
from sgid.image_table import decode, encoded_of

pytestmark = needs_dev
ARCHIVES = DEV / "archives"
SLASHED = "Ram C/V Cargo Van Minivan 2012"
THREE = {"train": "train", "validation": "val", "test": "test"}
# torchvision's loader, the folder that it looks in, its name of each split, and where it keeps the files.
PHOTOGRAPHS = {
    "cars": (vision.StanfordCars, "stanford_cars", {"train": "train", "test": "test"}, "_samples"),
    "flowers102": (vision.Flowers102, "flowers-102", THREE, "_image_files"),
    "pets": (vision.OxfordIIITPet, "oxford-iiit-pet", {"train": "trainval", "test": "test"}, "_images"),
    "dtd": (vision.DTD, "dtd", THREE, "_image_files"),
}
each_set = pytest.mark.parametrize("name", NAMES)
each_photographed = pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("cifar")])


@dataclass(frozen=True)
class Row:
    """What torchvision says of one image; `path` where it has a file."""

    image_id: str
    split: str
    label: int
    picture: Image.Image
    path: Path | None = None


@dataclass(frozen=True)
class Theirs:
    rows: list[Row]
    classes: list[str]


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> DatasetRegistry:
    return registry_of(tmp_path_factory.mktemp("splits"))


@pytest.fixture(scope="module")
def ours(registry, tmp_path_factory) -> dict[str, DataSet]:
    return {name: prepared(name, registry, tmp_path_factory.mktemp(name)) for name in NAMES}


@pytest.fixture(scope="module")
def theirs(registry, tmp_path_factory) -> dict[str, Theirs]:
    root = tmp_path_factory.mktemp("torchvision")
    split_of = dict(csv.reader(Path(registry.split_file("caltech101")[0]).read_text().splitlines()))
    with pytest.MonkeyPatch.context() as patch:
        # torchvision knows the whole archives by their md5; these are cut.
        for module in (vision.cifar, vision.flowers102):
            patch.setattr(module, "check_integrity", lambda *_: True)
        return {
            "cifar10": batches(vision.CIFAR10, unpacked("cifar10", root)),
            "cifar100": batches(vision.CIFAR100, unpacked("cifar100", root)),
            "caltech101": folders(unpacked("caltech101", root, "caltech101"), split_of),
        } | {name: photographs(name, root) for name in PHOTOGRAPHS}


def unpacked(name: str, root: Path, folder: str = ".") -> Path:
    """The root in which torchvision's loader finds the contents of a set's archives, below `folder`."""
    place = root / name / folder
    place.mkdir(parents=True)
    for path in (ARCHIVES / name).iterdir():
        if path.suffix == ".mat":
            (place / path.name).write_bytes(path.read_bytes())
            continue
        data = zipfile.ZipFile(path).read(f"caltech-101/{INNER}") if path.suffix == ".zip" else path.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(place, filter="data")
    return root / name


def batches(loader: type, root: Path) -> Theirs:
    sets = {"train": loader(root, train=True), "test": loader(root, train=False)}
    rows = [
        Row(f"{split}/{index:05d}", split, label, picture)
        for split, images in sets.items()
        for index, (picture, label) in enumerate(images)
    ]
    return Theirs(rows, sets["train"].classes)


def folders(root: Path, split_of: Mapping[str, str]) -> Theirs:
    images, rows = vision.Caltech101(root), []
    for (picture, label), index in zip(images, images.index, strict=True):
        picture.load()  # which closes its file
        image_id = f"{images.categories[label]}/image_{index:04d}"
        path = root / f"caltech101/101_ObjectCategories/{image_id}.jpg"
        rows.append(Row(image_id, split_of[image_id], label, picture, path))
    return Theirs(rows, images.categories)


def photographs(name: str, root: Path) -> Theirs:
    loader, folder, splits, kept_as = PHOTOGRAPHS[name]
    place, rows = unpacked(name, root, folder), []
    for split, called in splits.items():
        images = loader(place, split=called)
        for (picture, label), file in zip(images, getattr(images, kept_as), strict=True):
            path = Path(file[0] if isinstance(file, tuple) else file)
            image_id = path.stem if path.parent.name in ("jpg", "images") else f"{path.parent.name}/{path.stem}"
            rows.append(Row(image_id, split, label, picture, path))
    return Theirs(rows, list(images.classes))


def stored(data: DataSet) -> dict[str, bytes]:
    return {image_id: encoded for split in data.parts for image_id, encoded in encoded_of(data.table(split))}


def labels_of(data: DataSet) -> dict[str, int]:
    return {picture.image_id: picture.label for part in data.parts.values() for picture in part}


def ids(data: DataSet, split: str) -> set[str]:
    return {picture.image_id for picture in data.parts[split]}


def member_names(archive: str) -> list[str]:
    with tarfile.open(ARCHIVES / archive) as opened:
        return opened.getnames()


@each_set
def test_a_split_holds_the_images_that_torchvision_has_there(name, ours, theirs):
    rows = theirs[name].rows
    for split in {row.split for row in rows}:
        assert ids(ours[name], split) == {row.image_id for row in rows if row.split == split}


@each_set
def test_a_split_is_as_large_as_the_archives_are_known_to_be(name, ours):
    assert {split: len(ours[name].parts[split]) for split in ("train", "test")}.items() <= SIZES[name].items()


@each_set
def test_an_image_has_the_label_that_torchvision_gives_it(name, ours, theirs):
    assert labels_of(ours[name]) == {row.image_id: row.label for row in theirs[name].rows}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pets"])
def test_classes_have_the_names_that_torchvision_has(name, ours, theirs):
    assert ours[name].names == theirs[name].classes


def test_breeds_have_torchvisions_names_before_it_prettifies_them(ours, theirs):
    # It names only the breeds that occur, in title case and with spaces: "Yorkshire Terrier".
    present = sorted(set(labels_of(ours["pets"]).values()))
    pretty = [ours["pets"].names[label].replace("_", " ").title() for label in present]
    assert pretty == theirs["pets"].classes


@each_set
def test_an_image_has_the_pixels_that_torchvision_reads(name, ours, theirs):
    data = stored(ours[name])
    for row in theirs[name].rows:
        picture, other = decode(data[row.image_id]), row.picture.convert("RGB")
        assert (picture.size, picture.tobytes()) == (other.size, other.tobytes()), row.image_id


@each_photographed
def test_the_bytes_of_a_jpeg_are_those_of_the_archive(name, ours, theirs):
    assert set(ours[name].index["format"]) <= {"JPEG RGB", "JPEG L"}
    assert stored(ours[name]) == {row.image_id: row.path.read_bytes() for row in theirs[name].rows}


@each_set
def test_no_image_is_in_train_and_test(name, ours):
    assert ids(ours[name], "test").isdisjoint(ids(ours[name], "train") | ids(ours[name], "validation"))


@each_set
def test_validation_is_held_out_of_train_unless_it_is_official(name, ours, registry):
    train, validation = (ids(ours[name], split) for split in ("train", "validation"))
    official = registry.entries[name]["validation"] == "official"
    assert validation.isdisjoint(train) if official else validation < train


@each_set
def test_the_index_says_what_is_stored(name, ours):
    index, data = ours[name].index, stored(ours[name])
    assert len(index) == sum(map(len, ours[name].parts.values()))
    for row in index.itertuples():
        assert row.sha256 == hashlib.sha256(data[row.image_id]).hexdigest()
        assert (row.width, row.height) == decode(data[row.image_id]).size
        assert row.label == ours[name].names.index(row[index.columns.get_loc("class") + 1])


@each_set
def test_nothing_is_left_out_of_the_real_archives(name, ours):
    assert ours[name].left_out.empty


def test_what_no_list_of_the_pets_names_is_not_taken(ours):
    strays = [name for name in member_names("pets/images.tar.gz") if name.endswith(("/Abyssinian_34.jpg", ".mat"))]
    assert len(strays) == 2
    assert "Abyssinian_34" not in labels_of(ours["pets"])


def test_the_background_of_caltech101_is_no_class(ours):
    inside = [name for name, _ in in_nested_tar(ARCHIVES / "caltech101/caltech-101.zip", INNER)]
    assert "101_ObjectCategories/BACKGROUND_Google/tmp" in inside
    assert {each.split("/")[0] for each in labels_of(ours["caltech101"])} == set(ours["caltech101"].names)
    assert "BACKGROUND_Google" not in ours["caltech101"].names


def test_the_editors_backup_in_cifar100_is_not_read(ours):
    assert "cifar-100-python/file.txt~" in member_names("cifar100/cifar-100-python.tar.gz")
    assert len(labels_of(ours["cifar100"])) == 450


@pytest.mark.parametrize(("name", "count"), [("caltech101", 16), ("cars", 1)])
def test_gray_photographs_become_rgb(name, count, ours):
    gray = ours[name].index.query("format == 'JPEG L'")["image_id"].unique()
    assert len(gray) == count
    pictures = [decode(stored(ours[name])[image_id]) for image_id in gray]
    assert all(len({channel.tobytes() for channel in picture.split()}) == 1 for picture in pictures)


def test_a_class_name_keeps_its_slash(ours):
    assert SLASHED in ours["cars"].index["class"].tolist()
    assert SLASHED in ours["cars"].labels["name"].tolist()
