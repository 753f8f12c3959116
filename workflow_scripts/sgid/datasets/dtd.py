"""Describable Textures (Cimpoi et al. 2014): one tar archive of class folders, with ten official partitions.

`partition-3` is the third; `partition-3-trainval` trains on its train and validation images together.
"""

import re

from sgid.datasets.archives import matching, members, named
from sgid.datasets.listing import Listing, Picture, Request, required, split_named

MEMBER = re.compile(r"(?:^|/)images/(?P<id>[^/]+/[^/]+)\.jpg$")


def read_dtd(request: Request) -> Listing:
    """47 textures with 40 images each for training, validation and test; labels follow the sorted names."""
    _, number, *together = split_named(request.split, "dtd").split("-")
    path, validation = request.files["data"], "train" if together else "validation"
    split_of = {f"train{number}.txt": "train", f"val{number}.txt": validation, f"test{number}.txt": "test"}
    found = named(members(path), split_of)
    rows = [
        (line.removesuffix(".jpg"), split)
        for file, split in split_of.items()
        for line in required(file, found, path).decode().split()
    ]
    names = sorted({image.split("/")[0] for image, _ in rows})
    labels = {name: label for label, name in enumerate(names)}
    pictures = [Picture(image, labels[image.split("/")[0]], split, image) for image, split in rows]
    return Listing(pictures, names, lambda: matching(members(path), MEMBER))
