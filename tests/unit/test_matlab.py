"""MATLAB files that are none, are cut, lack what is asked for, or hold what is no number."""

import numpy as np
import pytest
from small_archives import mat

from sgid.datasets.matlab import fields_of, numbers_in, read_mat

FILE = mat(labels=[3, 1, 2], one=[7])


def test_variables_are_arrays_even_of_one_number():
    found = read_mat(FILE, "labels", "one", called="x.mat")
    assert {name: values.tolist() for name, values in found.items()} == {"labels": [3, 1, 2], "one": [7]}


@pytest.mark.parametrize("length", [0, 60, 128, 140, 200])
def test_a_file_that_was_cut_is_refused_in_one_line(length):
    with pytest.raises(
        ValueError, match=r"^x\.mat: (is no readable MATLAB file \(.*\); fetch it|has no variable).* .*$"
    ):
        read_mat(FILE[:length], "labels", "one", called="x.mat")


def test_a_file_is_refused_by_its_path(tmp_path):
    (tmp_path / "x.mat").write_bytes(b"<html>")
    with pytest.raises(ValueError, match=rf"^{tmp_path}/x\.mat: is no readable MATLAB file"):
        read_mat(tmp_path / "x.mat", "labels")


def test_all_variables_that_are_missing_are_named():
    with pytest.raises(
        ValueError, match=r"^x\.mat: has no variable two, three; compare it with the file of the official"
    ):
        read_mat(FILE, "one", "two", "three", called="x.mat")


def test_an_array_without_fields_is_refused():
    with pytest.raises(ValueError, match=r"^x\.mat: has no field class; compare it"):
        fields_of(np.zeros(3), "class", file="x.mat")


@pytest.mark.parametrize("number", [0, 4, 1.5, float("nan"), float("inf"), "1", None, np.ones(2)])
def test_what_is_no_number_of_the_range_is_refused(number):
    with pytest.raises(
        ValueError, match=r"^x\.mat: class .* is none of 1 to 3; compare the file with the configuration"
    ):
        numbers_in(range(1, 4), [1, number], what="class", file="x.mat")


def test_numbers_may_be_of_any_kind_that_matlab_writes():
    assert numbers_in(range(1, 4), [np.uint8(1), np.float64(2), 3], what="class", file="x.mat") == [1, 2, 3]
