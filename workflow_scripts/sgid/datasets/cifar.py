"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): pickled batches of 32 × 32 pixels in a tar archive.

A pickle is a program; this reader builds NumPy arrays from it and refuses to run anything else. Pixels are stored as
PNG without compression: the table compresses them as well, and they are decoded faster than they would be inflated.
"""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sgid.datasets.archives import members, named
from sgid.datasets.listing import Contents, Listing, Picture, Request, required, split_named
from sgid.image_table import encode

SIDE = 32
# What a batch is made of: the archives have NumPy's old name of the first; newer Pythons encode bytes by the last.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, AttributeError, LookupError, TypeError, OverflowError)
CIFAR10_TRAIN = [f"data_batch_{number}" for number in range(1, 6)]


class ArrayUnpickler(pickle.Unpickler):
    """Rebuilds containers and NumPy arrays; any other name that a pickle asks for is refused, not imported."""

    def find_class(self, module: str, name: str) -> Any:
        """The one thing a pickle can import from outside."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no part of a CIFAR batch; not run")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_cifar10(request: Request) -> Listing:
    """Ten classes, 50,000 and 10,000 images; ids `train/00000` count through the five batches in their order."""
    return read_cifar(request, {"train": CIFAR10_TRAIN, "test": ["test_batch"]}, meta="batches.meta", key="")


def read_cifar100(request: Request) -> Listing:
    """A hundred fine classes, 50,000 and 10,000 images."""
    return read_cifar(request, {"train": ["train"], "test": ["test"]}, meta="meta", key="fine_")


def read_cifar(request: Request, batches: dict[str, list[str]], *, meta: str, key: str) -> Listing:
    """The batches of each split, by names of members: other files lie beside them."""
    split_named(request.split, "cifar100" if key else "cifar10")
    path = request.files["data"]
    wanted = [meta, *(name for names in batches.values() for name in names)]
    found = named(members(path), wanted)
    loaded = {name: load(required(name, found, path), path / name) for name in wanted}
    names = loaded[meta].get(f"{key}label_names")
    if not names or not isinstance(names, list):
        raise ValueError(f"{path / meta}: has no list of {key}label_names; fetch the archive again")
    pictures, arrays = [], {}
    for split, files in batches.items():
        rows = [row for name in files for row in rows_of(loaded[name], f"{key}labels", path / name, len(names))]
        for index, (label, pixels) in enumerate(rows):
            image_id = f"{split}/{index:05d}"
            pictures.append(Picture(image_id, label, split, image_id))
            arrays[image_id] = pixels
    return Listing(pictures, names, lambda: encoded(arrays))


def load(data: bytes, name: Path) -> dict:
    """A pickled mapping; raises ValueError for one that is damaged or asks for more than arrays."""
    try:
        found = ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
    except DAMAGE as error:
        raise ValueError(f"{name}: is no CIFAR batch ({error}); delete the archive and fetch it again") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name}: is no CIFAR batch (a {type(found).__name__}); delete the archive, fetch it again")
    return found


def rows_of(batch: dict, key: str, name: Path, classes: int) -> Iterator[tuple[int, np.ndarray]]:
    """(label, uint8 (3, 32, 32)) of each image.

    Raises ValueError where labels and pixels do not fit each other, or a label is no number below `classes`.
    """
    labels, data = batch.get(key), batch.get("data")
    are_rows = isinstance(labels, list) and isinstance(data, np.ndarray) and data.dtype == np.uint8
    if not are_rows or data.shape != (len(labels), 3 * SIDE * SIDE):
        raise ValueError(f"{name}: its pixels and {key} do not fit each other; fetch the archive again")
    for label in labels:
        if not isinstance(label, int) or not 0 <= label < classes:
            raise ValueError(f"{name}: the label {label!r} is none of 0 to {classes - 1}; fetch the archive again")
    return zip(labels, data.reshape(-1, 3, SIDE, SIDE), strict=True)


def encoded(arrays: dict[str, np.ndarray]) -> Contents:
    """(id, PNG) of each array."""
    for image_id, pixels in arrays.items():
        yield image_id, encode(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))), "png stored")
