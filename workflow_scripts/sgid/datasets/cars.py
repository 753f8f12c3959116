"""Stanford Cars (Krause et al. 2013): two tar archives of photographs, MATLAB files of labels.

Its host is gone. Four official files, or a repacking of them (a folder or an archive with the same images and .mat
files anywhere inside), are accepted; annotations are known by their md5, images by their number. A second numbering
exists, `car_ims/000001.jpg` with `cars_annos.mat`; it has the same images and splits under other names.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np

from sgid.datasets.archives import Member, matching, members, named
from sgid.datasets.listing import Listing, Picture, Request, split_named
from sgid.datasets.matlab import read_mat

MEMBER = re.compile(r"(?:^|/)(?P<id>cars_(?:train|test)/\d{5}|car_ims/\d{6})\.jpg$")
TRAIN, TEST, META = "cars_train_annos.mat", "cars_test_annos_withlabels.mat", "cars_meta.mat"
SECOND = "cars_annos.mat"


def read_cars(request: Request) -> Listing:
    """196 classes, 8,144 and 8,041 images; labels are the official numbers less 1."""
    split_named(request.split, "cars")
    archive = in_all(request.files)
    found = named(archive(), [TRAIN, TEST, META, SECOND])
    if SECOND in found and TRAIN not in found:
        pictures, names = second_numbering(read_mat(found[SECOND], name=SECOND))
    else:
        pictures, names = first_numbering(checked(found, request.annotations, where=request.files))
    return Listing(pictures, names, lambda: matching(archive(), MEMBER))


def in_all(files: Mapping[str, Path]) -> Callable[[], Iterator[Member]]:
    """The members of all files; a .mat file by itself is a member too."""

    def archive() -> Iterator[Member]:
        parts = ([(path.name, path.read_bytes)] if path.suffix == ".mat" else members(path) for path in files.values())
        return chain.from_iterable(parts)

    return archive


def checked(found: Mapping[str, bytes], md5s: Mapping[str, str], *, where: Mapping[str, Path]) -> Mapping[str, bytes]:
    """The annotation files, each of the md5 that the configuration states."""
    places = ", ".join(map(str, where.values()))
    for name in (TRAIN, TEST, META):
        expected = md5s.get(name)
        if name not in found:
            raise ValueError(f"{name} (md5 {expected}) is missing in {places}; put it beside the images")
        md5 = hashlib.md5(found[name], usedforsecurity=False).hexdigest()
        if expected and md5 != expected:
            raise ValueError(f"{name} in {places}: its md5 is {md5} where {expected} is expected; get the genuine file")
    return found


def first_numbering(found: Mapping[str, bytes]) -> tuple[list[Picture], list[str]]:
    """Pictures and class names from the devkit's annotations and the labels of the test images beside it."""
    names = [str(name) for name in read_mat(found[META], name=META)["class_names"]]
    files = {"train": ("cars_train", TRAIN), "test": ("cars_test", TEST)}
    pictures = []
    for split, (folder, file) in files.items():
        rows = np.atleast_1d(read_mat(found[file], name=file)["annotations"])
        ids = [f"{folder}/{str(name).removesuffix('.jpg')}" for name in rows["fname"]]
        pictures += [Picture(each, int(k) - 1, split, each) for each, k in zip(ids, rows["class"], strict=True)]
    return pictures, names


def second_numbering(annotations: Mapping) -> tuple[list[Picture], list[str]]:
    """Pictures and class names from the one file of the other numbering, whose `test` is 0 or 1."""
    rows = np.atleast_1d(annotations["annotations"])
    ids = [str(path).removesuffix(".jpg") for path in rows["relative_im_path"]]
    splits = ["test" if int(test) else "train" for test in rows["test"]]
    labels = [int(number) - 1 for number in rows["class"]]
    pictures = [Picture(each, label, split, each) for each, label, split in zip(ids, labels, splits, strict=True)]
    return pictures, [str(name) for name in annotations["class_names"]]
