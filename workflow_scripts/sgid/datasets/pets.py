"""Oxford-IIIT Pet (Parkhi et al. 2012): one tar archive of photographs, one of lists.

Only what the lists name is taken: the photographs lie among stray .mat files and images that no list has. Some files
called .jpg are PNG; like everything else they are decoded by content.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sgid.datasets.archives import matching, members, named
from sgid.datasets.listing import Listing, Picture, Request, required, split_named

MEMBER = re.compile(r"(?:^|/)images/(?P<id>[^/]+)\.jpg$")
LISTS = {"train": "trainval.txt", "test": "test.txt"}


def read_pets(request: Request) -> Listing:
    """3,680 images of trainval.txt to train on and 3,669 of test.txt; a breed's label is its official number less 1."""
    split_named(request.split, "pets")
    path, photographs = request.files["annotations"], request.files["images"]
    found = named(members(path), LISTS.values())
    pictures = [
        Picture(image, label_of(image, number, request.names, path / file), split, image)
        for split, file in LISTS.items()
        for image, number in rows_of(required(file, found, path).decode(), path / file)
    ]
    return Listing(pictures, list(request.names), lambda: matching(members(photographs), MEMBER))


def rows_of(text: str, file: Path) -> list[tuple[str, int]]:
    """(image name, official class number) of each row "name class species breed"; comments start with #.

    Raises ValueError that names the file for a row without a class number.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if not re.match(r"\S+ [0-9]+\b", line):
            raise ValueError(f"{file}: the row {line!r} is not of the form `name class species breed`; fetch it again")
    return [(name, int(number)) for name, number, *_ in map(str.split, lines)]


def label_of(image: str, number: int, names: Sequence[str], path: Path) -> int:
    """The label of an image, whose name must begin with its breed's."""
    if not 1 <= number <= len(names) or image.rsplit("_", 1)[0] != names[number - 1]:
        raise ValueError(f"{path}: {image} is of class {number}, which `class_names` calls otherwise; compare the two")
    return number - 1
