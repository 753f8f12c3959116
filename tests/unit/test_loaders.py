"""The loaders on tiny archives in the true layouts, with everything in them that goes wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_archives import dtd, flipped, folder_of, labels_of, mat, prepared, tar_of, zip_of
from small_pictures import JPEG

from sgid.datasets import DataSet
from sgid.image_table import read_table


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


def test_a_damaged_directory_of_the_outer_archive_is_noticed(tmp_path):
    caltech101(tmp_path)
    path = tmp_path / "caltech.zip"
    path.write_bytes(path.read_bytes().replace(b"PK\1\2", b"PK\1\7"))
    with pytest.raises(ValueError, match=r"caltech\.zip: cannot be read to its end \(Bad magic number"):
        prepared("caltech101", {"images": path}, split_of={"-rf/image_0001": "train"})


def test_images_that_a_frozen_split_names_must_be_in_the_archive(tmp_path):
    with pytest.raises(
        ValueError, match=r"^caltech101: its split names 24 images, 24 of which the archive lacks \(such as"
    ):
        caltech101(tmp_path, end=".png")


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
    with pytest.raises(
        ValueError, match=r"^dtd: its lists name 6 images, 1 of which cannot be found \(such as 'b/b_0002'\)"
    ):
        dtd(tmp_path, {"b/b_0002": None})


def test_sizes_that_differ_from_the_entry_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^dtd: train is 2 in the source .* and 1880 in the configuration"):
        dtd(tmp_path, sizes={"train": 1880})


FLOWERS = {
    "labels": {"labels": np.array([1, 2, 2, 1, 2, 1], np.uint8)},
    "splits": {"trnid": [5, 1], "valid": [2, 6], "tstid": [4, 3]},
}


def flowers(tmp_path: Path, split: str = "official", validation: str | float = "official", **exchanged) -> DataSet:
    """Six flowers of two classes; the variables of some .mat files exchanged."""
    folder_of(tmp_path, {role: mat(**variables) for role, variables in (FLOWERS | exchanged).items()})
    tar_of(tmp_path / "images", {f"jpg/image_{k:05d}.jpg": JPEG for k in range(1, 7)})
    files = {role: tmp_path / role for role in ("images", "labels", "splits")}
    return prepared("flowers102", files, split=split, validation=validation, names=["rose", "lily"])


@pytest.mark.parametrize(
    ("split", "validation", "numbers"),
    [
        ("official", "official", {"train": [1, 5], "validation": [2, 6], "test": [3, 4]}),
        ("trainval", 0.5, {"train": [1, 2, 5, 6], "test": [3, 4]}),
    ],
)
def test_flowers_count_from_1_and_labels_from_0(split, validation, numbers, tmp_path):
    parts, classes = labels_of(flowers(tmp_path, split, validation)), FLOWERS["labels"]["labels"]
    for part, wanted in numbers.items():
        assert parts[part] == {f"image_{k:05d}": classes[k - 1] - 1 for k in wanted}


def test_a_list_of_one_flower_is_a_list(tmp_path):
    data = flowers(tmp_path, splits={"trnid": [5], "valid": [2], "tstid": [4]})
    assert list(labels_of(data)["train"]) == ["image_00005"]


@pytest.mark.parametrize(
    ("exchanged", "sentence"),
    [
        ({"labels": {"lables": [1]}}, "labels: has no variable labels; compare"),
        ({"labels": {"labels": [1, 2, 3]}}, "labels: class 3 is none of 1 to 2; compare"),
        ({"splits": {"trnid": [1], "valid": [2]}}, "splits: has no variable tstid; compare"),
        ({"splits": FLOWERS["splits"] | {"tstid": [7]}}, "splits: image 7 is none of 1 to 6; compare"),
        ({"splits": FLOWERS["splits"] | {"tstid": [0]}}, "splits: image 0 is none of 1 to 6; compare"),
    ],
)
def test_lists_of_flowers_that_are_damaged_are_refused_by_their_file(exchanged, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"/{sentence}"):
        flowers(tmp_path, **exchanged)


@pytest.mark.parametrize("row", ["pug_1", "pug_1 one 2 1", "pug_1 -1 2 1"])
def test_a_row_of_the_pets_without_a_class_number_is_refused_by_its_file(row, tmp_path):
    lists = {"annotations/trainval.txt": f"{row}\n".encode(), "annotations/test.txt": b""}
    files = {"annotations": tar_of(tmp_path / "a.tgz", lists), "images": tmp_path}
    with pytest.raises(ValueError, match=rf"trainval\.txt: the row '{row}' is not of the form `name class species"):
        prepared("pets", files, names=["pug"])


def test_a_breed_that_the_list_and_the_configuration_call_otherwise_is_refused(tmp_path):
    lists = {"annotations/trainval.txt": b"# name class species breed\npug_1 1 2 1\n", "annotations/test.txt": b""}
    files = {"annotations": tar_of(tmp_path / "a.tgz", lists), "images": tmp_path}
    with pytest.raises(ValueError, match=r"trainval\.txt: pug_1 is of class 1, which `class_names` calls otherwise"):
        prepared("pets", files, names=["beagle"])
