"""Splits that are given: frozen files with their hashes, and the sizes of the official ones."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import pytest
from configuration_files import CONFIG, read_config
from dev_archives import DEV, needs_dev
from hypothesis import given
from hypothesis import strategies as st

from sgid.datasets import Request
from sgid.datasets.cars import read_cars
from sgid.datasets.cifar import load
from sgid.datasets.dtd import read_dtd
from sgid.datasets.flowers102 import read_flowers102
from sgid.datasets.listing import Picture
from sgid.datasets.naming import listed_names
from sgid.datasets.pets import read_pets
from sgid.datasets.splits import frozen, half_of_each, read_split, split_csv, thirty_of_each

OFFICIAL = DEV / "official_annotations"
CALTECH101 = read_config("datasets")["datasets"]["caltech101"]
ONE, TWO = Picture("0/00", 0, "train", "0/00"), Picture("0/01", 0, "train", "0/01")


def counts(pictures: list[Picture]) -> Counter[str]:
    return Counter(picture.split for picture in pictures)


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(st.dictionaries(names, st.sampled_from(["train", "validation", "test"]), min_size=1))
def test_a_split_file_gives_back_what_was_frozen_whatever_the_names(tmp_path_factory, split_of):
    path = tmp_path_factory.getbasetemp() / "split.csv"
    text = split_csv(Picture(image_id, 0, split, "") for image_id, split in split_of.items())
    path.write_text(text, encoding="utf-8")
    assert read_split(path, hashlib.sha256(text.encode()).hexdigest()) == split_of


def frozen_file(tmp_path: Path, text: str) -> tuple[Path, str]:
    (tmp_path / "split.csv").write_text(text, encoding="utf-8")
    return tmp_path / "split.csv", hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [("a,train\na,test\n", "an image_id occurs twice"), ("a,val\n", "split 'val' is none of train, validation, test")],
)
def test_a_split_file_that_contradicts_itself_is_refused(tmp_path, rows, wrong):
    with pytest.raises(ValueError, match=rf"split\.csv: {wrong}; mend the file"):
        read_split(*frozen_file(tmp_path, f"image_id,split\n{rows}"))


@pytest.mark.parametrize(
    ("text", "column"), [("id,split\na,train\n", "image_id"), ("image_id\na\n", "split"), ("", "image_id, split")]
)
def test_a_split_file_without_its_columns_is_refused(tmp_path, text, column):
    with pytest.raises(ValueError, match=rf"split\.csv: has no column {column}; add it to the first line"):
        read_split(*frozen_file(tmp_path, text))


def test_a_split_file_that_a_spreadsheet_has_saved_is_read(tmp_path):
    assert read_split(*frozen_file(tmp_path, "\ufeffimage_id,split\na,train\n")) == {"a": "train"}


def test_a_split_file_that_was_changed_is_refused(tmp_path):
    path, sha256 = frozen_file(tmp_path, "image_id,split\na,train\n")
    path.write_text("image_id,split\na,test\n")
    with pytest.raises(ValueError, match=rf"its sha256 is \w+ where the configuration has {sha256}; restore the file"):
        read_split(path, sha256)


def test_an_image_of_a_split_file_that_the_archive_lacks_is_named():
    sentence = r"^mine: its split names 2 images, 1 of which the archive lacks \(such as '1/00'\); use the archive"
    with pytest.raises(ValueError, match=sentence):
        frozen([ONE], {"0/00": "train", "1/00": "test"}, path="mine")


def test_an_image_that_a_split_file_does_not_name_takes_no_part():
    assert frozen([ONE, TWO], {"0/01": "test"}, path="mine") == [Picture("0/01", 0, "test", "0/01")]


def frozen_split(name: str) -> dict[str, str]:
    entry = CALTECH101["splits"][name]
    return read_split(CONFIG.parent / entry["file"], entry["sha256"])


def caltech101(split_of: dict[str, str]) -> list[Picture]:
    classes = sorted({image_id.split("/")[0] for image_id in split_of})
    return [Picture(each, classes.index(each.split("/")[0]), "", each) for each in split_of]


@pytest.mark.parametrize(
    ("name", "made_by"),
    [("thirty", thirty_of_each), ("thirty_without_faces_easy", thirty_of_each), ("half", half_of_each)],
)
def test_a_frozen_file_is_what_seed_0_draws_from_the_images_that_it_names(name, made_by):
    made = split_csv(made_by(caltech101(frozen_split(name)), seed=0))
    assert made == (CONFIG.parent / CALTECH101["splits"][name]["file"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("thirty", {"train": 3030, "test": 5647}),
        ("thirty_without_faces_easy", {"train": 3000, "test": 5242}),
        ("half", {"train": 4128, "validation": 1649, "test": 2465}),
    ],
)
def test_frozen_splits_have_their_published_sizes(name, sizes):
    assert Counter(frozen_split(name).values()) == sizes


def test_the_default_split_of_caltech101_has_the_sizes_of_its_entry():
    sizes = Counter(frozen_split(CALTECH101["split"]).values())
    assert sizes == {split: CALTECH101[split] for split in ("train", "test")}


@needs_dev
def test_official_flowers_are_1020_1020_and_6149():
    files = {"labels": OFFICIAL / "flowers102/imagelabels.mat", "splits": OFFICIAL / "flowers102/setid.mat"}
    asked = {"files": files | {"images": OFFICIAL}, "names": listed_names([CONFIG / "classes/flowers102.txt"])}
    parts = {
        split: counts(read_flowers102(Request(split=split, **asked)).pictures) for split in ("official", "trainval")
    }
    assert parts["official"] == {"train": 1020, "validation": 1020, "test": 6149}
    assert parts["trainval"] == {"train": 2040, "test": 6149}


@needs_dev
def test_official_pets_are_3680_and_3669_of_the_37_breeds_of_the_configuration():
    names = listed_names([CONFIG / "classes/pets.txt"])
    listing = read_pets(Request(files=dict.fromkeys(("images", "annotations"), OFFICIAL / "pets"), names=names))
    assert counts(listing.pictures) == {"train": 3680, "test": 3669}
    assert {picture.label for picture in listing.pictures} == set(range(37)) == set(range(len(names)))


@needs_dev
def test_official_cars_are_8144_and_8041_of_196_classes_with_the_md5s_of_the_configuration():
    annotations = read_config("datasets")["datasets"]["cars"]["annotations"]
    listing = read_cars(Request(files={"repacking": OFFICIAL / "cars"}, annotations=annotations))
    assert counts(listing.pictures) == {"train": 8144, "test": 8041}
    assert (len(set(listing.names)), listing.names[73]) == (196, "Chevrolet Silverado 1500 Extended Cab 2012")


@needs_dev
def test_official_textures_to_test_on_are_1880_of_47_classes(tmp_path):
    test = (OFFICIAL / "dtd/test1.txt").read_text()
    others = sorted(set((OFFICIAL / "dtd/all_5640_names.txt").read_text().split()) - set(test.split()))
    for file, text in {"test1": test, "train1": "\n".join(others[::2]), "val1": "\n".join(others[1::2])}.items():
        (tmp_path / f"{file}.txt").write_text(text)
    listing = read_dtd(Request(files={"data": tmp_path}, split="partition-1"))
    assert counts(listing.pictures) == {"train": 1880, "validation": 1880, "test": 1880}
    assert set(Counter(picture.label for picture in listing.pictures if picture.split == "test").values()) == {40}
    assert len(listing.names) == 47


@needs_dev
@pytest.mark.parametrize(("file", "key", "count"), [("cifar10/batches.meta", "", 10), ("cifar100/meta", "fine_", 100)])
def test_official_class_names_of_cifar_are_read(file, key, count):
    assert len(set(load((OFFICIAL / file).read_bytes(), Path(file))[f"{key}label_names"])) == count


@needs_dev
def test_a_frozen_split_names_every_image_of_caltech101_by_the_official_numbers():
    table = csv.DictReader((OFFICIAL / "caltech101/class_counts.tsv").read_text().splitlines(), delimiter="\t")
    official = {row["class"]: int(row["n_jpg"]) for row in table if row["class"] != "BACKGROUND_Google"}
    images = {f"{name}/image_{k:04d}" for name, count in official.items() for k in range(1, count + 1)}
    assert frozen_split("thirty").keys() == frozen_split("half").keys() | images == images
