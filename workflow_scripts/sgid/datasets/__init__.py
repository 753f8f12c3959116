"""Data sets: one module a source, from its archives to image tables and class names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from sgid.datasets.drawn import draw_dataset
from sgid.prompts import readable

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class DataSet:
    """Image tables by split, and the classes: `label` (0-based), `name` (official), `prompt_name` (readable)."""

    splits: dict[str, pa.Table]
    classes: pd.DataFrame


SOURCES: dict[str, Callable[..., tuple[dict[str, pa.Table], list[str]]]] = {"drawn": draw_dataset}


def prepare(source: str, archives: list[Path], *, sizes: dict[str, int], classes: int) -> DataSet:
    """Read a data set by the name of its source and hold it to the sizes that the registry states.

    Raises ValueError where no loader is at hand, or where images or classes are more or fewer than stated.
    """
    splits, names = loader(source)(archives, sizes)
    found = {split: len(splits[split]) for split in sizes} | {"classes": len(names)}
    for key, expected in (sizes | {"classes": classes}).items():
        if found[key] != expected:
            raise ValueError(
                f"{source}: {key} is {found[key]} in the archives and {expected} in the configuration "
                f"(datasets.*.{key}); correct the entry or the archive"
            )
    return DataSet(splits, class_table(names))


def loader(source: str) -> Callable[..., tuple[dict[str, pa.Table], list[str]]]:
    """The function that reads a source; raises ValueError where this version has none."""
    if source not in SOURCES:
        raise ValueError(
            f"datasets.*.source: no loader for {source!r} in this version (have: {', '.join(SOURCES)}); "
            "the loaders of the paper's seven data sets are part 2 of the project"
        )
    return SOURCES[source]


def class_table(names: list[str]) -> pd.DataFrame:
    """One row a class; the readable name is what a prompt shows (paper, section 3.2: spaces for underscores)."""
    return pd.DataFrame({"label": range(len(names)), "name": names, "prompt_name": [readable(n) for n in names]})
