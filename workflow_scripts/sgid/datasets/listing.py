"""What a loader makes of a source: its pictures by name, its classes, and the way to the bytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sgid.references import SPLITS_OF

SPLITS = ("train", "validation", "test")
Contents = Iterator[tuple[str, bytes | OSError]]  # (member, encoded image, or why it cannot be read)


@dataclass(frozen=True, order=True)
class Picture:
    """One image by its names: `member` is where its bytes lie, `split` "" where a split file or a draw decides."""

    image_id: str
    label: int
    split: str
    member: str


@dataclass(frozen=True)
class Listing:
    """The pictures of a source, the official class names in the order of the labels, and the bytes.

    `contents` starts anew at each call and yields (member, encoded image) in the source's own order, members of no
    interest included, so that an archive is read straight through. `columns`: what a table gets beside the usual, by
    column and member. `passed_over`: files that are no images, with the reason.
    """

    pictures: list[Picture]
    names: list[str]
    contents: Callable[[], Contents]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the configuration says of a source.

    `files`: archive or folder by its name in the registry. `split`: by name, or {"test": share}; None where `split_of`,
    a frozen file's image id to split, decides. `names`: the official class names where the source lacks them.
    `annotations`: file name to md5. `sizes`: images by split, where stated. `labels`: a folder's list of labels.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    split: str | Mapping[str, float] | None = None
    split_of: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    labels: Path | None = None
    seed: int = 0


def split_named(split: object, source: str) -> str:
    """The split that a source is asked for, by default its first; raises ValueError for one that it does not have."""
    known = SPLITS_OF[source]
    if split is not None and split not in known:
        raise ValueError(f"split: {split!r} is not defined for {source} (have: {', '.join(known)})")
    return str(split) if split is not None else known[0]


def required(name: str, found: Mapping[str, bytes], path: Path) -> bytes:
    """The file of that name in an archive; raises ValueError where it is missing."""
    if name not in found:
        raise ValueError(f"{path}: holds no {name}; it is not the archive that the configuration describes")
    return found[name]
