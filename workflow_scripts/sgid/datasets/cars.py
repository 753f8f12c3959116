"""Stanford Cars (Krause et al. 2013): two tar archives of photographs, MATLAB files of labels.

Its host is gone. Four official files, or a repacking of them (a folder or an archive with the same images and .mat
files anywhere inside), are accepted; annotations are known by their md5, images by their number. A second numbering
exists, `car_ims/000001.jpg` with `cars_annos.mat`; it has the same images and splits under other names.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from sgid.datasets.archives import Member, matching, members, named, present
from sgid.datasets.listing import Listing, Picture, Request, split_named
from sgid.datasets.matlab import fields_of, numbers_in, read_mat

MEMBER = re.compile(r"(?:^|/)(?P<id>cars_(?:train|test)/\d{5}|car_ims/\d{6})\.jpg$")
TRAIN, TEST, META = "cars_train_annos.mat", "cars_test_annos_withlabels.mat", "cars_meta.mat"
SECOND = "cars_annos.mat"
PHOTOGRAPHS = ("train", "test")


def read_cars(request: Request) -> Listing:
    """196 classes, 8,144 and 8,041 images; labels are the official numbers less 1."""
    split_named(request.split, "cars")
    archive = in_all(request.files)
    # The official photographs hold no annotation, and it takes a minute to look through them.
    others = {role: path for role, path in request.files.items() if role not in PHOTOGRAPHS}
    found = named(in_all(others)(), [TRAIN, TEST, META, SECOND])
    if SECOND in found and TRAIN not in found:
        pictures, names = second_numbering(found[SECOND])
    else:
        pictures, names = first_numbering(checked(found, request.annotations, where=request.files))
    return Listing(pictures, names, lambda: matching(archive(), MEMBER))


def in_all(files: Mapping[str, Path]) -> Callable[[], Iterator[Member]]:
    """A function that goes through the members of all files, anew at each call."""

    def archive() -> Iterator[Member]:
        return chain.from_iterable(map(members_or_mat, files.values()))

    return archive


def members_or_mat(path: Path) -> Iterable[Member]:
    """The members of an archive or folder, or a .mat file as the only one."""
    return [(path.name, present(path).read_bytes)] if path.suffix == ".mat" else members(path)


def checked(found: Mapping[str, bytes], md5s: Mapping[str, str], *, where: Mapping[str, Path]) -> Mapping[str, bytes]:
    """The annotation files, each of the md5 that the configuration states."""
    places = ", ".join(str(path.resolve()) for path in where.values())
    for name in (TRAIN, TEST, META):
        expected = md5s.get(name)
        if name not in found:
            known_by = f" (md5 {expected})" if expected else ""
            raise ValueError(
                f"{name}{known_by} is missing in {places}; put it into that folder, or name it as "
                "datasets.cars.archives.test_labels.path if it is that one"
            )
        md5 = hashlib.md5(found[name], usedforsecurity=False).hexdigest()
        if expected and md5 != expected:
            raise ValueError(
                f"{name} in {places}: its md5 is {md5} where {expected} is expected; get the genuine file, or "
                "correct datasets.cars.annotations"
            )
    return found


def first_numbering(found: Mapping[str, bytes]) -> tuple[list[Picture], list[str]]:
    """Pictures and class names from the devkit's annotations and the labels of the test images beside it."""
    names = class_names(found[META], file=META)
    files = {"train": ("cars_train", TRAIN), "test": ("cars_test", TEST)}
    pictures = []
    for split, (folder, file) in files.items():
        images, numbers = annotations(found[file], "fname", "class", file=file)
        ids = [f"{folder}/{str(image).removesuffix('.jpg')}" for image in images]
        labels = labels_of(numbers, names, file=file)
        pictures += [Picture(each, label, split, each) for each, label in zip(ids, labels, strict=True)]
    return pictures, names


def second_numbering(data: bytes) -> tuple[list[Picture], list[str]]:
    """Pictures and class names from the one file of the other numbering, whose `test` is 0 or 1."""
    names = class_names(data, file=SECOND)
    images, numbers, tested = annotations(data, "relative_im_path", "class", "test", file=SECOND)
    ids = [str(image).removesuffix(".jpg") for image in images]
    labels = labels_of(numbers, names, file=SECOND)
    splits = [("train", "test")[flag] for flag in numbers_in(range(2), tested, what="test", file=SECOND)]
    pictures = [Picture(each, label, split, each) for each, label, split in zip(ids, labels, splits, strict=True)]
    return pictures, names


def class_names(data: bytes, *, file: str) -> list[str]:
    """The official names in the order of their numbers."""
    return [str(name) for name in read_mat(data, "class_names", called=file)["class_names"]]


def annotations(data: bytes, *fields: str, file: str) -> list[np.ndarray]:
    """Fields of the annotations, one value an image."""
    return fields_of(read_mat(data, "annotations", called=file)["annotations"], *fields, file=file)


def labels_of(numbers: Iterable, names: Sequence[str], *, file: str) -> list[int]:
    """Labels from 0 by official numbers from 1."""
    return [number - 1 for number in numbers_in(range(1, len(names) + 1), numbers, what="class", file=file)]
