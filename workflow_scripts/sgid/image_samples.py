"""What a page of pictures shows: some originals of each class, and every picture that was drawn from them.

A set may be far larger than the memory: of its pictures only the row groups are read that hold any which is shown.
"""

import base64
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from sgid.classes import told_apart
from sgid.image_sets import rows_in, rows_with, shards_of, some_of_each_class
from sgid.image_table import TINY, decode
from sgid.prompts import readable
from sgid.seeding import seed_for

FACTS = ["source_id", "label", "flag", "prompt_flag"]


@dataclass(frozen=True)
class Extent:
    """How much a page shows (config: `pages`).

    At most `per_class` originals of a class, fewer where all classes together would exceed `originals`; `flagged` more
    of which some picture has a flag; pictures of at most `thumbnail` pixels a side.
    """

    per_class: int
    originals: int
    flagged: int
    thumbnail: int


@dataclass(frozen=True)
class Thumbnail:
    """A picture as the address that a page can hold; `tiny` asks for hard pixels."""

    address: str
    width: int
    height: int
    tiny: bool


@dataclass(frozen=True)
class Child:
    """One generated picture."""

    image_id: str
    noise_rate: str
    replicate: int
    seed: int
    steps_run: int
    attempts: int
    flags: list[str]
    picture: Thumbnail


@dataclass(frozen=True)
class Strip:
    """Pictures that were drawn in the same way. `similarity`: None where there is none."""

    caption: str
    sampler: str
    spans: list[tuple[str, float]]
    similarity: float | None
    guidance: float
    children: list[Child]


@dataclass(frozen=True)
class Family:
    """One original and all that was drawn from it."""

    source_id: str
    label: int
    name: str
    picture: Thumbnail
    strips: list[Strip]

    @property
    def text(self) -> str:
        """What a search looks through."""
        prompts = [f"{each.caption} {''.join(text for text, _ in each.spans)}" for each in self.strips]
        return " ".join([self.name, self.source_id, *prompts]).lower()


def facts_of(paths: Sequence[str | Path]) -> pa.Table:
    """Source, label and flags of every generated picture of some sets; no picture is read."""
    return pa.concat_tables([shard for path in paths for shard in shards_of(path, FACTS)])


def choose_sources(facts: pa.Table, extent: Extent, *, seed: int) -> list[str]:
    """Ids of the originals to show: the same few of each class for every recipe, and some with flagged pictures."""
    labels = dict(zip(facts["source_id"].to_pylist(), facts["label"].to_pylist(), strict=True))
    classes = len(set(labels.values()))
    drawn = pa.table({"image_id": [*labels], "label": [*labels.values()]})
    each = min(extent.per_class, max(1, extent.originals // max(1, classes)))
    chosen = some_of_each_class(drawn, each, seed=seed)["image_id"].to_pylist()
    odd = facts.filter(pc.or_(pc.not_equal(facts["flag"], ""), pc.not_equal(facts["prompt_flag"], "")))
    others = set(odd["source_id"].to_pylist()) - set(chosen)
    flagged = sorted(others, key=lambda image_id: seed_for(seed, image_id, "flagged"))[: extent.flagged]
    return sorted([*chosen, *flagged], key=lambda image_id: (labels[image_id], image_id))


def rows_of(paths: Sequence[str | Path], column: str, ids: Sequence[str]) -> list[dict]:
    """Rows of image tables (.parquet) and image sets (.json) whose `column` is one of `ids`."""
    return [row for path in paths for table in _rows_in(path, column, ids) for row in table.to_pylist()]


def _rows_in(path: str | Path, column: str, ids: Sequence[str]) -> Iterator[pa.Table]:
    return (rows_with if str(path).endswith(".json") else rows_in)(path, column, ids)


def families(
    ids: Sequence[str],
    originals: Sequence[Mapping],
    drawn: Sequence[Mapping],
    *,
    names: Mapping[int, str],
    side: int,
) -> list[Family]:
    """The originals `ids`, in their order, each with what was drawn from it. Refuses an original that is not there."""
    sources = {row["image_id"]: row for row in originals}
    lacking = [image_id for image_id in ids if image_id not in sources]
    if lacking:
        raise ValueError(f"{lacking[0]}: pictures were drawn from it, but no table has it; draw the recipe's set again")
    children = defaultdict(list)
    for row in drawn:
        children[row["source_id"]].append(row)
    shown = told_apart({label: readable(name) for label, name in names.items()})
    return [family(sources[image_id], children[image_id], names=shown, side=side) for image_id in ids]


def family(original: Mapping, drawn: Sequence[Mapping], *, names: Mapping[int, str], side: int) -> Family:
    """One original and its pictures: those of one prompt and guidance together, by noise rate and replicate."""
    ways = defaultdict(list)
    for row in sorted(drawn, key=lambda row: (float(row["noise_rate"]), row["replicate"])):
        ways[row["caption"], row["weights"], row["guidance"]].append(row)
    label = original["label"]
    picture = thumbnail(original, side)
    return Family(original["image_id"], label, names[label], picture, [strip(rows, side) for rows in ways.values()])


def strip(rows: Sequence[Mapping], side: int) -> Strip:
    """Pictures that share caption, prompt and guidance."""
    first = rows[0]
    similarity = first["similarity"]
    return Strip(
        caption=first["caption"],
        sampler=first["sampler"],
        spans=[(text, weight) for text, weight in json.loads(first["weights"])],
        similarity=None if similarity is None or math.isnan(similarity) else similarity,
        guidance=first["guidance"],
        children=[child(row, side) for row in rows],
    )


def child(row: Mapping, side: int) -> Child:
    """One generated picture."""
    own = {key: row[key] for key in ("image_id", "noise_rate", "replicate", "seed", "steps_run", "attempts")}
    return Child(**own, flags=flags_of(row), picture=thumbnail(row, side))


def flags_of(row: Mapping) -> list[str]:
    """What is odd about a picture, in words; each is a value of the page's filter."""
    told = [row["flag"], row["prompt_flag"]]
    return [flag for flag in told if flag] + ["truncated"] * row["truncated"] + ["drawn again"] * (row["attempts"] > 1)


def thumbnail(row: Mapping, side: int) -> Thumbnail:
    """A picture of at most `side` pixels a side as WebP: lossless where it is tiny."""
    picture = decode(row["image"]["bytes"], name=row["image_id"])
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    tiny, buffer = max(picture.size) <= TINY, io.BytesIO()
    picture.save(buffer, "WEBP", lossless=tiny, quality=80)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/webp;base64,{text}", *picture.size, tiny)
