"""A folder of one's own: class folders (the ImageFolder layout), or images and a CSV list of their labels.

`split: given` takes it from folders called train, val (or valid, validation) and test above the class folders, or from
a column `split` of the list; `split: {test: 0.2}` draws a stratified share. An image's id is its path in the folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sgid.datasets.listing import Contents, Listing, Picture, Request, split_named
from sgid.datasets.splits import drawn_test
from sgid.folders import SUFFIXES, folder_rows, other_files


def read_folder(request: Request) -> Listing:
    """Every image that has a class; labels follow the sorted class names. Raises ValueError as `folder_rows` does."""
    root = request.files["folder"]
    if isinstance(request.split, str):
        split_named(request.split, "folder")
    rows = folder_rows(root, request.labels, request.split)
    names = sorted({row.name for row in rows})
    labels = {name: label for label, name in enumerate(names)}
    pictures = [Picture(row.path, labels[row.name], row.split, row.path) for row in rows]
    if isinstance(request.split, Mapping):
        pictures = drawn_test(pictures, request.split["test"], seed=request.seed)
    return Listing(pictures, names, lambda: files_of(root, [row.path for row in rows]), passed_over=strangers(root))


def strangers(root: Path) -> dict[str, str]:
    """The files that are not looked at, with the reason."""
    return dict.fromkeys(other_files(root), f"its ending is none of {' '.join(SUFFIXES)}")


def files_of(root: Path, paths: Sequence[str]) -> Contents:
    """(path, bytes) of each image; the error in their place where a file cannot be read."""
    for path in paths:
        try:
            yield path, (root / path).read_bytes()
        except OSError as error:
            yield path, error
