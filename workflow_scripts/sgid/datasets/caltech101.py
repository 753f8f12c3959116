"""Caltech101 (Fei-Fei et al. 2004): a zip archive that holds a tar archive of class folders.

`BACKGROUND_Google` is no class. Which images train and which test, no one has fixed: a frozen file under config/splits
says it, and with that which classes take part.
"""

import re

from sgid.datasets.archives import in_nested_tar, matching
from sgid.datasets.listing import Listing, Picture, Request

INNER = "101_ObjectCategories.tar.gz"
MEMBER = re.compile(r"(?:^|/)101_ObjectCategories/(?!BACKGROUND_Google/)(?P<id>[^/]+/image_\d{4})\.jpg$")


def read_caltech101(request: Request) -> Listing:
    """The images of the classes that the split file names; labels follow the sorted names, capitals first."""
    if not request.split_of:
        raise ValueError("split: Caltech101 has no official one; name one of the files under `splits`")
    path = request.files["images"]
    ids = [match["id"] for name, _ in in_nested_tar(path, INNER) if (match := MEMBER.search(name))]
    names = sorted({class_of(image_id) for image_id in request.split_of})
    labels = {name: label for label, name in enumerate(names)}
    pictures = [Picture(each, labels[class_of(each)], "", each) for each in ids if class_of(each) in labels]
    return Listing(pictures, names, lambda: matching(in_nested_tar(path, INNER), MEMBER))


def class_of(image_id: str) -> str:
    """The folder of an image, which is its class."""
    return image_id.split("/")[0]
