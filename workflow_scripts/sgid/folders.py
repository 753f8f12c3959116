"""A folder of the user's own: which files are pictures, and how many (standard library only).

Read while Snakemake plans, for the number of shards and for what would make the data set anew, so it must stay light.
"""

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from sgid.references import ConfigError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jfif")
# What the folder of a given split may be called.
SPLIT_FOLDERS = {"train": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "validation")
GIVEN = "given"


def image_files(root: str | Path) -> list[str]:
    """Sorted paths in `root`, with forward slashes, of everything named like a picture; links are followed."""
    return sorted(Path(entry.path).relative_to(root).as_posix() for entry in _pictures(root))


def fingerprint(root: str | Path) -> str:
    """A hash of the pictures' names, sizes and whole seconds of change: what decides that a data set is made anew."""
    digest = hashlib.sha256()
    for entry in sorted(_pictures(root), key=lambda entry: entry.path):
        digest.update(f"{os.path.relpath(entry.path, root)}\0{_state(entry)}\0".encode())
    return digest.hexdigest()[:16]


def _state(entry: os.DirEntry) -> str:
    """Size and time of a file; a link to nothing has neither, and is for the loader to report."""
    try:
        state = entry.stat()
    except FileNotFoundError:
        return "gone"
    return f"{state.st_size}\0{int(state.st_mtime)}"


def _pictures(root: str | Path) -> Iterator[os.DirEntry]:
    """Every file named like a picture; hidden ones, and folders that a link leads back to, are passed over."""
    waiting, seen = [os.fspath(root)], set()
    while waiting:
        folder = waiting.pop()
        identity = os.path.realpath(folder)
        if identity in seen:
            continue
        seen.add(identity)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES):
                    yield entry


def estimated_sizes(entry: Mapping, *, name: str) -> dict[str, int]:
    """`train` and `classes` of a folder that does not state them, for the number of shards; `prepare_dataset` counts.

    Raises ConfigError where folder or list of labels is not there, or holds nothing.
    """
    rows = _labels(entry, name=name)
    train = [label for label, split in rows if split == "train"]
    if not train:
        raise ConfigError(f"datasets.{name}.folder: {entry['folder']} has no training picture; see config/README.md")
    share = entry["split"].get("test", 0) if isinstance(entry["split"], Mapping) else 0
    return {"train": max(1, round(len(train) * (1 - share))), "classes": len(set(train))}


def _labels(entry: Mapping, *, name: str) -> list[tuple[str, str]]:
    """(class, split) of every picture of a folder, by a list of labels or by the names of its folders."""
    for key in ("folder", "labels"):
        if entry.get(key) and not Path(entry[key]).exists():
            advice = "correct the path, or state `train` and `classes` to plan without it"
            raise ConfigError(f"datasets.{name}.{key}: there is no {entry[key]}; {advice}")
    if entry.get("labels"):
        with open(entry["labels"], newline="", encoding="utf-8-sig") as stream:
            return [(row.get("label", ""), row.get("split") or "train") for row in csv.DictReader(stream)]
    parts = [path.split("/") for path in image_files(entry["folder"])]
    if entry["split"] == GIVEN:
        return [(part[1], SPLIT_FOLDERS.get(part[0], "")) for part in parts if len(part) > 2]
    return [(part[0], "train") for part in parts if len(part) > 1]
