"""Splits as data: frozen files with a hash, and draws that depend on names alone.

A draw ranks the images of a class by a hash of (seed, image id, purpose), so it is the same on every machine, in every
order and with any library.
"""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sgid.datasets.listing import SPLITS, Picture
from sgid.seeding import seed_for

OFFICIAL = "official"


def by_class(pictures: Iterable[Picture]) -> dict[int, list[Picture]]:
    """The pictures of each label, in the order of their ids."""
    groups: dict[int, list[Picture]] = defaultdict(list)
    for picture in sorted(pictures):
        groups[picture.label].append(picture)
    return dict(groups)


def drawn(pictures: Sequence[Picture], count: int, *, seed: int, purpose: str) -> set[str]:
    """The ids of `count` of the pictures, by the rank of their hashes."""
    ranked = sorted(pictures, key=lambda picture: seed_for(seed, picture.image_id, purpose))
    return {picture.image_id for picture in ranked[:count]}


def drawn_of_each(pictures: Iterable[Picture], share: float, *, seed: int, purpose: str) -> set[str]:
    """The ids of a share of each class: one at the least, and never all, so a class of one image gives none."""
    ids: set[str] = set()
    for group in by_class(pictures).values():
        count = min(max(1, round(share * len(group))), len(group) - 1)
        ids |= drawn(group, count, seed=seed, purpose=purpose)
    return ids


def drawn_test(pictures: Sequence[Picture], share: float, *, seed: int) -> list[Picture]:
    """All pictures, the stratified `share` of them marked test, the others train; of a share of 0, none is tested."""
    test = drawn_of_each(pictures, share, seed=seed, purpose="test") if share else set()
    return [replace(picture, split="test" if picture.image_id in test else "train") for picture in pictures]


def thirty_of_each(pictures: Sequence[Picture], *, seed: int, count: int = 30) -> list[Picture]:
    """Caltech101's customary split: `count` of each class to train on, the rest to test.

    Raises ValueError for a class that has no more than that.
    """
    groups = by_class(pictures).values()
    for group in groups:
        if len(group) <= count:
            raise ValueError(f"class of {group[0].image_id}: {len(group)} images cannot give {count} and a test")
    train = set().union(*(drawn(group, count, seed=seed, purpose="train") for group in groups))
    return [replace(picture, split="train" if picture.image_id in train else "test") for picture in pictures]


def half_of_each(pictures: Sequence[Picture], *, seed: int) -> list[Picture]:
    """Half of each class to train on, a fifth to validate, the rest to test: the proportions of CoOp's Caltech101."""
    split_of = {}
    for group in by_class(pictures).values():
        train = drawn(group, round(0.5 * len(group)), seed=seed, purpose="train")
        others = [picture for picture in group if picture.image_id not in train]
        validation = drawn(others, round(0.2 * len(group)), seed=seed, purpose="validation")
        split_of |= dict.fromkeys(train, "train") | dict.fromkeys(validation, "validation")
    return [replace(picture, split=split_of.get(picture.image_id, "test")) for picture in pictures]


def frozen(pictures: Sequence[Picture], split_of: Mapping[str, str], *, path: str | Path) -> list[Picture]:
    """The pictures that a split file names, marked as it says; raises ValueError if one of them is not there."""
    missing = sorted(split_of.keys() - {picture.image_id for picture in pictures})
    if missing:
        raise ValueError(
            f"{path}: its split names {len(split_of)} images, {len(missing)} of which the archive lacks (such as "
            f"{missing[0]!r}); use the archive that the split was made from, or another split"
        )
    return [replace(picture, split=split_of[picture.image_id]) for picture in pictures if picture.image_id in split_of]


def read_split(path: str | Path, sha256: str) -> dict[str, str]:
    """Image id to split from a frozen CSV file (columns image_id, split); refuses one with another hash."""
    data = Path(path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path}: its sha256 is {found} where the configuration has {sha256}; restore the file, or state the new "
            "hash if the change is meant"
        )
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    missing = sorted({"image_id", "split"} - set(rows[0] if rows else ()))
    if missing:
        raise ValueError(f"{path}: has no column {', '.join(missing)}; add it to the first line")
    unknown = sorted({row["split"] for row in rows} - set(SPLITS))
    if unknown or len({row["image_id"] for row in rows}) < len(rows):
        wrong = f"split {unknown[0]!r} is none of {', '.join(SPLITS)}" if unknown else "an image_id occurs twice"
        raise ValueError(f"{path}: {wrong}; mend the file")
    return {row["image_id"]: row["split"] for row in rows}


def split_csv(pictures: Iterable[Picture]) -> str:
    """The text of a frozen split file."""
    stream = io.StringIO()
    rows = sorted((picture.image_id, picture.split) for picture in pictures)
    csv.writer(stream, lineterminator="\n").writerows([("image_id", "split"), *rows])
    return stream.getvalue()


def parted(
    pictures: Sequence[Picture], validation: str | float, *, seed: int, name: str = "data set", whole: bool = False
) -> dict[str, list[Picture]]:
    """Pictures by split, in the order of their ids.

    `validation`: `official` where the source has such images, which then are none of train; or the share of each class
    of train that is held out while something is chosen. Held-out images stay in train too: final runs train on all.
    `whole`: all images may be train images, as of a folder that is only redrawn. Raises ValueError where an image is
    listed twice, where the source and `validation` disagree, or where a split is empty.
    """
    refuse_twice(pictures)
    parts = {split: sorted(picture for picture in pictures if picture.split == split) for split in SPLITS}
    if validation != OFFICIAL:
        if parts["validation"]:
            raise ValueError(
                f"{name}: validation is {validation}, but this split has its own validation images "
                f"({len(parts['validation'])}); say `validation: official`, or take a split without"
            )
        held = drawn_of_each(parts["train"], float(validation), seed=seed, purpose="validation")
        parts["validation"] = [picture for picture in parts["train"] if picture.image_id in held]
    for split, part in parts.items():
        if not part and not (whole and split != "train"):
            raise ValueError(f"{name}: {split} holds no image; correct datasets.{name}.split or .validation")
    return parts


def refuse_twice(pictures: Iterable[Picture]) -> None:
    """Raise ValueError for an image that is listed twice: in train and in test, it would leak from one to the other."""
    split_of: dict[str, str] = {}
    for picture in pictures:
        if picture.image_id in split_of:
            places = " and ".join(sorted({split_of[picture.image_id], picture.split}))
            raise ValueError(f"image {picture.image_id!r} is listed twice (in {places}); list it once")
        split_of[picture.image_id] = picture.split
