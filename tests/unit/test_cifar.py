"""CIFAR's pickled batches: whoever wrote them, whatever they ask for, whatever is wrong with them."""

import builtins
import io
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from small_archives import labels_of, prepared, tar_of

from sgid.datasets import DataSet
from sgid.datasets.cifar import load
from sgid.image_table import decode, encoded_of


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
        ("test_batch", batch(2), "the label 2 is none of 0 to 1"),
        ("test_batch", batch(-1), "the label -1 is none of 0 to 1"),
        ("test_batch", batch("0"), "the label '0' is none of 0 to 1"),
        ("test_batch", batch(None), "the label None is none of 0 to 1"),
        ("test_batch", batch(0.5), r"the label 0\.5 is none of 0 to 1"),
        ("test_batch", batch() | {"labels": 1}, UNFIT),
        ("test_batch", batch(0) | {"data": [[0], [0, 1]]}, UNFIT),
        ("test_batch", batch(0, 1), UNFIT),
        ("test_batch", batch(0, shape=(1, 1024)), UNFIT),
        ("test_batch", batch(0, kind=np.float64), UNFIT),
        ("test_batch", batch(0, key="fine_labels"), UNFIT),
        ("test_batch", [0], r"is no CIFAR batch \(a list\)"),
        ("batches.meta", {"fine_label_names": ["cat"]}, "has no list of label_names"),
        ("batches.meta", {"label_names": 2}, "has no list of label_names"),
        ("data_batch_4", None, "holds no data_batch_4; it is not the archive that the configuration describes"),
    ],
)
def test_a_batch_that_is_none_is_refused_by_its_name(member, value, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"cifar\.tgz(/{member})?: {sentence}"):
        cifar(tmp_path, **{member: value})
