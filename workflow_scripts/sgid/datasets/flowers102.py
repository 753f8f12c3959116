"""Flowers102 (Nilsback and Zisserman 2008): one tar archive of photographs, two MATLAB files of labels and splits.

The class names are in neither: they come from config/classes. Labels count from 1 there and from 0 here.
"""

import re

from sgid.datasets.archives import matching, members
from sgid.datasets.listing import Listing, Picture, Request, split_named
from sgid.datasets.matlab import numbers_in, read_mat

MEMBER = re.compile(r"(?:^|/)(?P<id>image_\d{5})\.jpg$")
IDS = ("trnid", "valid", "tstid")
# Which of setid.mat's three lists make which split.
LISTS = {
    "official": {"train": ["trnid"], "validation": ["valid"], "test": ["tstid"]},
    "trainval": {"train": ["trnid", "valid"], "test": ["tstid"]},
}


def read_flowers102(request: Request) -> Listing:
    """1,020, 1,020 and 6,149 images; `trainval` trains on the first two together."""
    lists_of = LISTS[split_named(request.split, "flowers102")]
    path, labels, splits = (request.files[role] for role in ("images", "labels", "splits"))
    numbers, lists = read_mat(labels, "labels")["labels"], read_mat(splits, *IDS)
    classes = numbers_in(range(1, len(request.names) + 1), numbers, what="class", file=labels)
    pictures = [
        Picture(f"image_{number:05d}", classes[number - 1] - 1, part, f"image_{number:05d}")
        for part, keys in lists_of.items()
        for key in keys
        for number in numbers_in(range(1, len(classes) + 1), lists[key], what="image", file=splits)
    ]
    return Listing(pictures, list(request.names), lambda: matching(members(path), MEMBER))
