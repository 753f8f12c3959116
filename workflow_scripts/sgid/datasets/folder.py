"""A folder of one's own: class folders (the ImageFolder layout), or images and a CSV list of their labels.

`split: given` takes it from folders called train, val (or valid, validation) and test above the class folders, or from
a column `split` of the list; `split: {test: 0.2}` draws a stratified share. An image's id is its path in the folder.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from sgid.datasets.listing import SPLITS, Contents, Listing, Picture, Request, split_named
from sgid.datasets.splits import drawn_test
from sgid.folders import GIVEN, SPLIT_FOLDERS, image_files

Row = tuple[str, str, str]  # path in the folder, class name, split or ""


def read_folder(request: Request) -> Listing:
    """Every image that has a class; labels follow the sorted class names. Raises ValueError where none is found."""
    root, given = request.files["folder"], request.split == GIVEN
    if isinstance(request.split, str):
        split_named(request.split, "folder")
    rows = listed(request.labels, root, given) if request.labels else classed(root, given)
    if not rows:
        raise ValueError(f"{root}: no image in a class folder; see `source: folder` in config/README.md")
    names = sorted({name for _, name, _ in rows})
    labels = {name: label for label, name in enumerate(names)}
    pictures = [Picture(path, labels[name], split, path) for path, name, split in rows]
    if isinstance(request.split, dict):
        pictures = drawn_test(pictures, request.split["test"], seed=request.seed)
    paths = [path for path, _, _ in rows]
    return Listing(pictures, names, lambda: files_of(root, paths))


def classed(root: Path, given: bool) -> list[Row]:
    """Rows by the names of folders: split (where given), class, then whatever lies below."""
    depth = 2 if given else 1
    rows = []
    for path in image_files(root):
        parts = path.split("/")
        if len(parts) <= depth:
            raise ValueError(f"{root / path}: lies in no class folder; move it into one, or name a list as `labels`")
        rows.append((path, parts[depth - 1], split_folder(root, parts[0]) if given else ""))
    return rows


def split_folder(root: Path, name: str) -> str:
    """The split that a folder's name means."""
    if name not in SPLIT_FOLDERS:
        raise ValueError(f"{root / name}: names no split (have: {', '.join(SPLIT_FOLDERS)}); rename or remove it")
    return SPLIT_FOLDERS[name]


def listed(labels: Path, root: Path, given: bool) -> list[Row]:
    """Rows of a CSV list with columns image (path in the folder), label (class name) and, where given, split."""
    with open(labels, newline="", encoding="utf-8-sig") as stream:
        table = list(csv.DictReader(stream))
    missing = {"image", "label", *(["split"] if given else [])} - set(table[0] if table else ())
    if missing:
        raise ValueError(f"{labels}: has no column {', '.join(sorted(missing))}; add it to the first line")
    for line, row in enumerate(table, start=2):
        check_row(row, where=f"{labels}, line {line}", root=root, given=given)
    return [(row["image"], row["label"], SPLIT_FOLDERS[row["split"]] if given else "") for row in table]


def check_row(row: dict[str, str], *, where: str, root: Path, given: bool) -> None:
    """One line of a list: it names a file of the folder, a class and, where given, a split."""
    if not row["label"]:
        raise ValueError(f"{where}: {row['image']} has no label; fill it in, or take the line out")
    if given and row["split"] not in SPLIT_FOLDERS:
        raise ValueError(f"{where}: {row['split']!r} is no split (have: {', '.join(sorted(set(SPLITS)))})")
    if not (root / row["image"]).is_file():
        raise ValueError(f"{where}: there is no file {root / row['image']}; correct the list")


def files_of(root: Path, paths: Sequence[str]) -> Contents:
    """(path, bytes) of each image; the error in their place where a file cannot be read."""
    for path in paths:
        try:
            yield path, (root / path).read_bytes()
        except OSError as error:
            yield path, error
