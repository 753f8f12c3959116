"""The names of a data set's classes, from the `classes.csv` beside its image tables."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ALL = "all"  # in tables by class, of all classes together


def apart_from_all(name: str) -> str:
    """A name for a table that has rows called `all`: a class of that very name stands in quotes there."""
    return f"'{name}'" if name == ALL else name


def told_apart(names: Mapping[int, str]) -> dict[int, str]:
    """Names by label, each of its own: behind one that several classes have stands the label, as in `crane (134)`."""
    often = Counter(names.values())
    numbered = {label: f"{name} ({label})" for label, name in names.items()}
    apart = {label: name if often[name] == 1 else numbered[label] for label, name in names.items()}
    # Another class may be called `crane (134)`.
    return apart if len(set(apart.values())) == len(apart) else numbered


def class_names(path: str | Path) -> list[str]:
    """Official names in the order of their labels; raises ValueError for labels that are not 0, 1, 2, …"""
    return _column(path, "name")


def prompt_names(path: str | Path) -> dict[int, str]:
    """Label to the readable name that prompts show (paper, section 3.2); refuses what `class_names` refuses."""
    return dict(enumerate(_column(path, "prompt_name")))


def _column(path: str | Path, column: str) -> list[str]:
    with open(path, newline="", encoding="utf-8") as stream:
        names = {int(row["label"]): row[column] for row in csv.DictReader(stream)}
    if sorted(names) != list(range(len(names))):
        raise ValueError(f"{path}: labels must count from 0 without gaps; run the data set's rule again")
    return [names[label] for label in range(len(names))]
