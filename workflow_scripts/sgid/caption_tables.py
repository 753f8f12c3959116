"""Tables of captions, whoever wrote them, and the captions that people or a language model wrote beforehand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import yaml

from sgid.prompts import written_captions
from sgid.seeding import seed_for

CAPTION_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("sampler", pa.string()),
        ("beams", pa.int64()),
        ("distinct", pa.int64()),
    ]
)


def caption_table(image_ids: pa.ChunkedArray, texts: list[list[str]], *, sampler: str, beams: int = 0) -> pa.Table:
    """One row an image: its captions (repeats and empty ones kept), how many differ, and the beams behind them."""
    columns = {
        "image_id": image_ids,
        "captions": texts,
        "sampler": [sampler] * len(texts),
        "beams": [beams] * len(texts),
        "distinct": [len(set(group)) for group in texts],
    }
    return pa.table(columns, schema=CAPTION_SCHEMA)


def listed_captions(
    images: pa.Table,
    lists: Mapping[str, Sequence[str]],
    *,
    sampler: str,
    names: Mapping[int, str],
    dataset: str,
    count: int,
    base_seed: int,
) -> pa.Table:
    """At most `count` written captions for each image: neighbours in its class's list, from a place of its own.

    `lists`: captions by class name, data set or `default`; `names`: label to class name.
    """
    found = []
    for image_id, label in zip(images["image_id"].to_pylist(), images["label"].to_pylist(), strict=True):
        pool = written_captions(names[label], dataset, lists)
        start = seed_for(base_seed, dataset, image_id, "list")
        found.append([pool[(start + step) % len(pool)] for step in range(min(count, len(pool)))])
    return caption_table(images["image_id"], found, sampler=sampler)


def read_lists(path: str | Path) -> dict[str, list[str]]:
    """Written captions by class name, data set or `default`, from a YAML file."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
