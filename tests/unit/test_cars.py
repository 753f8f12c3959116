"""Stanford Cars: four files or a repacking, two numberings, annotations that are known by their md5."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from small_archives import Files, folder_of, labels_of, mat, prepared, tar_of, zip_of
from small_pictures import JPEG

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


SECOND_KINDS = {"relative_im_path": object, "class": np.uint8, "test": np.uint8}


def test_the_second_numbering_of_cars_says_of_each_image_whether_it_is_tested(tmp_path):
    rows = [("car_ims/000001.jpg", 2, 1), ("car_ims/000002.jpg", 1, 0), ("car_ims/000003.jpg", 1, 0)]
    kinds = annotations(rows, **SECOND_KINDS)
    listed = {"cars_annos.mat": mat(annotations=kinds, class_names=np.array(CARS, object))}
    path = tar_of(tmp_path / "x.tgz", {name: JPEG for name, _, _ in rows} | listed)
    parts = labels_of(prepared("cars", {"repacking": path}))
    assert parts["train"] == {"car_ims/000002": 0, "car_ims/000003": 0}
    assert parts["test"] == {"car_ims/000001": 1}


DAMAGED = {
    "no such field": ((1,), {"fname": object}, "has no field relative_im_path, class, test; compare"),
    "class of none": (("car_ims/000001.jpg", 3, 1), SECOND_KINDS, "class 3 is none of 1 to 2; compare"),
    "neither 0 nor 1": (("car_ims/000001.jpg", 1, 2), SECOND_KINDS, "test 2 is none of 0 to 1; compare"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_annotations_of_cars_that_are_damaged_are_refused_by_their_file(damage, tmp_path):
    row, kinds, sentence = DAMAGED[damage]
    listed = {"cars_annos.mat": mat(annotations=annotations([row], **kinds), class_names=np.array(CARS, object))}
    with pytest.raises(ValueError, match=rf"^cars_annos\.mat: {sentence}"):
        prepared("cars", {"repacking": tar_of(tmp_path / "x.tgz", listed)})


def test_annotations_of_cars_that_are_not_the_genuine_ones_are_refused(tmp_path):
    files, wrong = car_files(), {"cars_meta.mat": "0" * 32}
    with pytest.raises(ValueError, match=r"^cars_meta\.mat in .*: its md5 is \w{32} where 0{32} is expected; get the"):
        prepared("cars", in_a_nested_zip(tmp_path, files), annotations=md5s(files) | wrong)


def test_the_labels_of_the_test_cars_are_asked_for_where_they_are_missing(tmp_path):
    files = car_files()
    md5 = hashlib.md5(files.pop(TEST_LABELS)).hexdigest()
    with pytest.raises(
        ValueError, match=rf"^{TEST_LABELS} \(md5 {md5}\) is missing in .*x\.zip; put it into that folder, or name it"
    ):
        prepared("cars", in_a_nested_zip(tmp_path, files), annotations={TEST_LABELS: md5})


def test_a_file_called_mat_that_is_none_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"^cars_meta\.mat: is no readable MATLAB file .*; fetch it again$"):
        prepared("cars", in_a_nested_zip(tmp_path, car_files() | {"devkit/cars_meta.mat": b"<html>"}))
