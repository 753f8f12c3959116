"""Data sets: one module a source, from its archives or its folder to image tables and class names."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from sgid.datasets.caltech101 import read_caltech101
from sgid.datasets.cars import read_cars
from sgid.datasets.cifar import read_cifar10, read_cifar100
from sgid.datasets.drawn import read_drawn
from sgid.datasets.dtd import read_dtd
from sgid.datasets.flowers102 import read_flowers102
from sgid.datasets.folder import read_folder
from sgid.datasets.listing import SPLITS, Listing, Picture, Request
from sgid.datasets.pets import read_pets
from sgid.datasets.splits import frozen, parted, read_split
from sgid.datasets.tables import Spool, index_rows, row_groups, spooled, without_broken
from sgid.folders import may_lack_test
from sgid.image_table import write_row_groups

LOG = logging.getLogger("sgid.datasets")
SOURCES: dict[str, Callable[[Request], Listing]] = {
    "cifar10": read_cifar10,
    "cifar100": read_cifar100,
    "caltech101": read_caltech101,
    "cars": read_cars,
    "flowers102": read_flowers102,
    "pets": read_pets,
    "dtd": read_dtd,
    "folder": read_folder,
    "drawn": read_drawn,
}


@dataclass(frozen=True)
class DataSet:
    """A data set that is ready to be written: pictures by split, official class names, the spooled bytes."""

    name: str
    parts: dict[str, list[Picture]]
    names: list[str]
    spool: Spool
    columns: Mapping[str, Mapping[str, str]]
    passed_over: Mapping[str, str]

    def table(self, split: str) -> pa.Table:
        """One split as an image table in memory."""
        return pa.concat_tables(row_groups(self.parts[split], self.spool, self.columns))

    def write(self, split: str, path: str | Path) -> None:
        """One split as a file, whose metadata names data set and split: the test images are known by it."""
        groups = row_groups(self.parts[split], self.spool, self.columns)
        write_row_groups(groups, path, metadata={"dataset": self.name, "split": split})

    @property
    def index(self) -> pd.DataFrame:
        """One row an image and split."""
        return pd.DataFrame(index_rows(self.parts, self.spool, self.names))

    @property
    def left_out(self) -> pd.DataFrame:
        """The files that could not be used or are no images, with reasons."""
        return pd.DataFrame(sorted((self.passed_over | self.spool.broken).items()), columns=["member", "reason"])

    @property
    def labels(self) -> pd.DataFrame:
        """Labels from 0 and official class names."""
        return pd.DataFrame({"label": range(len(self.names)), "name": self.names})


def prepare(name: str, entry: Mapping, request: Request, *, workspace: Path) -> DataSet:
    """Read a data set from its source and hold it to the numbers of images and classes that its entry states.

    `entry`: source, validation, broken (`stop` or `leave out`), and classes where they are stated. `workspace`: a
    folder on a disk that can hold the data set once more.
    Raises ValueError, in one sentence, where source and configuration disagree.
    """
    listing = loader(entry["source"])(request)
    pictures = frozen(listing.pictures, request.split_of, path=name) if request.split_of else listing.pictures
    whole = may_lack_test(entry)
    parts = parted(pictures, entry["validation"], seed=request.seed, name=name, whole=whole)
    spool = spooled(listing.contents(), {each.member for part in parts.values() for each in part}, workspace)
    for member, why in sorted((dict(listing.passed_over) | spool.broken).items()):
        LOG.warning("%s: %s", member, why)
    # What the source lists is held to the entry; what is left out of it on purpose stands in left_out.csv.
    found = {split: len(part) for split, part in parts.items()} | {"classes": len(listing.names)}
    check_counts(name, found, stated={key: entry[key] for key in ("train", "test", "classes") if key in entry})
    parts = without_broken(parts, spool, broken=entry["broken"], source=name)
    return DataSet(name, parts, listing.names, spool, listing.columns, dict(listing.passed_over))


def request_of(
    entry: Mapping, *, files: Mapping[str, Path], split_files: Sequence[str], names: Sequence[str], seed: int
) -> Request:
    """What a registry entry asks of its source.

    `files`: what was fetched; `split_files`: one frozen split or none; `names`: of the file under `class_names`.
    """
    files = dict(files) | ({"folder": Path(entry["folder"]).expanduser()} if entry.get("folder") else {})
    frozen_split = {}
    for path in split_files:
        frozen_split = read_split(path, entry["splits"][entry["split"]]["sha256"])
    return Request(
        files=files,
        split=None if frozen_split else entry["split"],
        split_of=frozen_split,
        names=names,
        annotations=entry.get("annotations", {}),
        sizes={split: entry[split] for split in ("train", "test") if split in entry},
        labels=Path(entry["labels"]).expanduser() if entry.get("labels") else None,
        seed=seed,
    )


def check_counts(name: str, found: Mapping[str, int], *, stated: Mapping[str, int]) -> None:
    """Refuse a data set that is larger or smaller than its entry says."""
    for key, expected in stated.items():
        if found[key] != expected:
            raise ValueError(
                f"{name}: {key} is {found[key]} in the source (broken images included) and {expected} in the "
                f"configuration (datasets.{name}.{key}); correct the entry or the source"
            )


def loader(source: str) -> Callable[[Request], Listing]:
    """The function that reads a source; raises ValueError for a name that none has."""
    if source not in SOURCES:
        raise ValueError(f"datasets.*.source: no loader for {source!r} (have: {', '.join(SOURCES)})")
    return SOURCES[source]


__all__ = ["SOURCES", "SPLITS", "DataSet", "Listing", "Picture", "Request", "loader", "prepare", "request_of"]
