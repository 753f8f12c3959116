"""Small generated sets on disk, as `draw_images` and `collect_images` leave them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from PIL import Image

from sgid.image_sets import collect
from sgid.image_table import encode, image_rows, write_table
from sgid.runtime import write_json

RECORD = {"id": "owner/model", "commit": "c0ffee", "licence": "creativeml-openrail-m"}


def drawn_row(source_id: str, label: int = 0, *, noise_rate: str = "0.3", replicate: int = 0, **changes) -> dict:
    """One generated picture of 8 pixels, without its image table's own columns."""
    row = {
        "image_id": f"{source_id}/sgid/noise-{noise_rate}/{replicate}",
        "label": label,
        "source_id": source_id,
        "replicate": replicate,
        "caption": "a cat on a mat",
        "sampler": "nucleus",
        "cosine": 0.3,
        "similarity": 0.3,
        "guidance": 1.24,
        "noise_rate": noise_rate,
        "prompt": "A picture of a cat, a cat on a mat.",
        "weights": json.dumps([["A picture of a cat", 1.5], [", ", 1.0], ["a cat on a mat", 0.9], [".", 1.0]]),
        "prompt_flag": "",
        "seed": 5120457244917683229,
        "steps_run": 8,
        "truncated": False,
        "attempts": 1,
        "flag": "",
    }
    return row | changes


def with_pictures(rows: Sequence[dict], *, encoding: str = "png", side: int = 8) -> pa.Table:
    """Rows with a picture each, no two alike."""
    encoded = [encode(Image.new("RGB", (side, side), (number, 0, 90)), encoding) for number in range(len(rows))]
    table = image_rows([row["image_id"] for row in rows], encoded, [row["label"] for row in rows])
    for name in [name for name in rows[0] if name not in table.column_names]:
        table = table.append_column(name, pa.array([row[name] for row in rows]))
    return table


def write_set(
    folder: Path, rows: Sequence[dict], *, noise: str = "0.3", shards: int = 1, model: dict = RECORD, **options
) -> str:
    """A set and its shards below a folder; the path of its JSON."""
    table, paths = with_pictures(rows, **options).sort_by("image_id"), []
    for i in range(shards):
        start, stop = (len(table) * edge // shards for edge in (i, i + 1))
        paths.append(folder / f"noise-{noise}" / f"shard-{i}-of-{shards}.parquet")
        metadata = {"recipe": "sgid", "model": model, "provenance": {"commit": "abc", "device": "cpu"}}
        write_table(table.slice(start, stop - start), paths[-1], metadata=metadata)
    path = folder / f"noise-{noise}.json"
    write_json(collect(paths, dataset="pets", recipe="sgid", miniature=False), path)
    return str(path)
