"""Rejected pictures beside their originals, a line a reason: what a filter takes away should be looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sgid.gallery import picture_of
from sgid.image_sets import rows_with, shards_of
from sgid.picture_grid import GridRow
from sgid.seeding import seed_for

EXAMPLES = 4  # of a reason
NONE = "nothing is left out"


def examples_of(rejects: Mapping[str, str], *, seed: int) -> dict[str, list[str]]:
    """Reason to ids of a few pictures that a list rejects for it, drawn by their names; most frequent reason first."""
    own: dict[str, list[str]] = {}
    for image_id in sorted(rejects, key=lambda image_id: seed_for(seed, image_id, "example")):
        own.setdefault(rejects[image_id], []).append(image_id)
    frequent = sorted(own, key=lambda reason: (-len(own[reason]), reason))
    return {reason: own[reason][:EXAMPLES] for reason in frequent}


def reject_rows(
    path: str | Path, originals: pa.Table, rejects: Mapping[str, str], *, names: Mapping[int, str], seed: int
) -> list[GridRow]:
    """A line a reason: pairs of an original and the picture of it that is rejected, the class below. `path`: a set."""
    rejects = {image_id: rejects[image_id] for image_id in _ids(path) if image_id in rejects}
    examples = examples_of(rejects, seed=seed)
    wanted = [image_id for ids in examples.values() for image_id in ids]
    drawn = {row["image_id"]: row for shard in rows_with(path, "image_id", wanted) for row in shard.to_pylist()}
    sources = {row["image_id"]: row for row in _rows(originals, [row["source_id"] for row in drawn.values()])}
    counts = {reason: sum(each == reason for each in rejects.values()) for reason in examples}
    rows = []
    for reason, ids in examples.items():
        pairs = [(sources[drawn[image_id]["source_id"]], drawn[image_id]) for image_id in ids]
        pictures = tuple(picture_of(row) for pair in pairs for row in pair)
        note = " · ".join(names[row["label"]] for _, row in pairs)
        gaps = (None,) * (2 * EXAMPLES - len(pictures))
        rows.append(GridRow(f"{reason or 'no reason given'} ({counts[reason]:,})", pictures + gaps, note))
    return rows or [GridRow(NONE, (None,) * (2 * EXAMPLES))]


def columns_of() -> list[str]:
    """The heads of the grid."""
    return ["original", "rejected"] * EXAMPLES


def _ids(path: str | Path) -> list[str]:
    return [image_id for shard in shards_of(path, ["image_id"]) for image_id in shard["image_id"].to_pylist()]


def _rows(table: pa.Table, ids: Sequence[str]) -> list[dict]:
    return table.filter(pc.is_in(table["image_id"], pa.array(ids, pa.string()))).to_pylist()
