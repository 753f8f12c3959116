"""A folder of the user's own: which files are pictures, and of which class and split (standard library only).

Read while Snakemake plans, for the number of shards and for what would make the data set anew, so it must stay light.
"""

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sgid.references import ConfigError

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp", ".gif"),
    *(".tif", ".tiff", ".ppm", ".pgm"),
)
# What a split may be called, in any case.
SPLIT_NAMES = {"train": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "validation")
GIVEN = "given"
ENDS = 4096  # bytes at either end of a file that stand for its content


class Row(NamedTuple):
    """One picture: its path in the folder with forward slashes, its class, and its split or ""."""

    path: str
    name: str
    split: str


def folder_rows(root: Path, labels: Path | None, split: object) -> list[Row]:
    """Every picture that has a class, by the names of folders or by a CSV list of labels.

    Raises ConfigError, which names folder, list or line, where the layout is not that of `split`, or holds too little.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder; correct `folder`")
    given = split == GIVEN
    rows = listed_rows(labels, given) if labels else classed_rows(root, given)
    names = {row.name for row in rows}
    layout = "<split>/<class>/…" if given else "<class>/…"
    if len(names) < 2:
        found = f"one class, {min(names)!r}," if names else "no picture"
        where = f"{labels}" if labels else f"{root}, read as {layout},"
        raise ConfigError(f"{where} holds {found} where two classes are the least; correct the path or the layout")
    if not given and {name.lower() for name in names} <= SPLIT_NAMES.keys():
        raise ConfigError(f"{root}: its classes would be {', '.join(sorted(names))}; did you mean `split: given`?")
    return rows


def classed_rows(root: Path, given: bool) -> list[Row]:
    """Rows by the names of folders: split (where given), class, then whatever lies below."""
    depth = 2 if given else 1
    rows = []
    for path in image_files(root):
        parts = path.split("/")
        if given and parts[0].lower() not in SPLIT_NAMES:
            known = ", ".join(SPLIT_NAMES)
            raise ConfigError(f"{root / parts[0]}: names no split (have: {known}); rename or remove it")
        if len(parts) <= depth:
            raise ConfigError(f"{root / path}: lies in no class folder; move it into one, or name a list as `labels`")
        rows.append(Row(path, parts[depth - 1], SPLIT_NAMES[parts[0].lower()] if given else ""))
    return rows


def listed_rows(labels: Path, given: bool) -> list[Row]:
    """Rows of a CSV list with columns image (path in the folder), label (class name) and, where given, split."""
    try:
        with open(labels, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            table, columns = list(reader), list(reader.fieldnames or [])
    except FileNotFoundError:
        raise ConfigError(f"{labels}: there is no such list; correct `labels`") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{labels}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    missing = [name for name in ("image", "label", *(["split"] if given else [])) if name not in columns]
    if missing:
        found = ", ".join(columns)
        raise ConfigError(f"{labels}: has no column {', '.join(missing)} (found: {found}; separated by commas)")
    return [listed_row(row, given, where=f"{labels}, line {line}") for line, row in enumerate(table, start=2)]


def listed_row(row: Mapping[str, str], given: bool, *, where: str) -> Row:
    """One line of a list."""
    split = (row["split"] or "").lower() if given else ""
    if not row["label"]:
        raise ConfigError(f"{where}: {row['image']} has no label; fill it in, or take the line out")
    if given and split not in SPLIT_NAMES:
        raise ConfigError(f"{where}: {row['split']!r} is no split (have: {', '.join(SPLIT_NAMES)})")
    return Row(row["image"], row["label"], SPLIT_NAMES[split] if given else "")


def image_files(root: str | Path) -> list[str]:
    """Sorted paths in `root`, with forward slashes, of everything named like a picture; links are followed."""
    return sorted(path for path in _files(root) if path.lower().endswith(SUFFIXES))


def other_files(root: str | Path) -> list[str]:
    """Sorted paths of the files that are passed over because of their ending."""
    return sorted(path for path in _files(root) if not path.lower().endswith(SUFFIXES))


def fingerprint(root: str | Path) -> str:
    """A hash of the pictures' paths in the folder, sizes and ends: what decides that a data set is made anew.

    Neither times nor the folder's own place count, so that a touched or copied folder is the same.
    """
    digest = hashlib.sha256()
    for path in image_files(root):
        digest.update(path.encode(errors="surrogateescape") + b"\0" + _ends(Path(root, path)) + b"\0")
    return digest.hexdigest()[:16]


def _ends(path: Path) -> bytes:
    """Size, first and last bytes of a file; one that cannot be read has none, and is for the loader to report."""
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(ENDS)
            stream.seek(max(0, size - ENDS))
            return f"{size}".encode() + start + stream.read(ENDS)
    except OSError:
        return b"unreadable"


def _files(root: str | Path) -> Iterator[str]:
    """Every file below a folder; hidden ones, and folders that a link leads back to, are passed over."""
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
                else:
                    yield Path(entry.path).relative_to(root).as_posix()


def may_lack_test(entry: Mapping) -> bool:
    """Whether all images may be train images, to be redrawn whole: a folder by a share of 0, or with train only."""
    return entry["source"] == "folder" and entry["split"] in (GIVEN, {"test": 0})


def estimated_sizes(entry: Mapping, *, name: str) -> dict[str, int]:
    """`train`, `test` and `classes` of a folder that does not state them, for shards; `prepare_dataset` counts.

    Raises ConfigError, which begins with the data set, for what `folder_rows` refuses, for a folder without train, and
    for one whose validation images are not where `validation` says.
    """
    labels = Path(entry["labels"]).expanduser() if entry.get("labels") else None
    try:
        rows = folder_rows(Path(entry["folder"]).expanduser(), labels, entry["split"])
    except ConfigError as error:
        raise ConfigError(f"datasets.{name}: {error}") from None
    train = [row.name for row in rows if row.split in ("", "train")]
    if not train:
        raise ConfigError(f"datasets.{name}: {entry['folder']} has no train image; see config/README.md")
    _check_validation(entry, any(row.split == "validation" for row in rows), name=name)
    share = entry["split"].get("test", 0) if isinstance(entry["split"], Mapping) else 0
    test = sum(row.split == "test" for row in rows) or (max(1, round(len(train) * share)) if share else 0)
    return {"train": max(1, round(len(train) * (1 - share))), "test": test, "classes": len(set(train))}


def _check_validation(entry: Mapping, has_some: bool, *, name: str) -> None:
    """The folder's own validation images are used, or there are none."""
    if entry["split"] == GIVEN and has_some != (entry["validation"] == "official"):
        found = "a folder of validation images" if has_some else "no validation image"
        right = "`official`" if has_some else "a share of train, such as 0.1"
        raise ConfigError(f"datasets.{name}.validation: {entry['folder']} has {found}; say {right}")
