"""The Parquet table that all stages exchange: one row an image, rows in `image_id` order, written whole or not at all.

Columns of every image table: `image_id` (str, stable, path-like, unique), `image` (struct of encoded `bytes` and
`path`: the layout that Hugging Face `datasets`, DuckDB and pandas read), `label` (int, 0-based). A stage may add
columns; what holds for the whole file (recipe, models, versions) stands in the file's metadata under `sgid`.
"""

import io
import itertools
import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sgid.runtime import replacing

ENCODINGS = {"png": ("PNG", {}), "jpeg95": ("JPEG", {"quality": 95, "subsampling": 0})}
UNDECODABLE = (OSError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError)
IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write_table(table: pa.Table, path: str | Path, *, metadata: dict | None = None) -> None:
    """Write rows sorted by `image_id`; refuse duplicates. `metadata` is stored as JSON under the key `sgid`."""
    table = table.sort_by("image_id")
    ids = table["image_id"].to_pylist()
    if len(set(ids)) < len(ids):
        twice = next(a for a, b in itertools.pairwise(ids) if a == b)
        raise ValueError(f"{path}: image_id {twice!r} occurs more than once; ids must be unique within a table")
    if metadata is not None:
        encoded = json.dumps(metadata, sort_keys=True).encode()
        table = table.replace_schema_metadata((table.schema.metadata or {}) | {b"sgid": encoded})
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read one table; raises ValueError that names the file if it is no whole Parquet file."""
    try:
        return pq.read_table(path, columns=columns)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a readable Parquet table ({error}); delete it and run its rule again") from error


def read_tables(paths: Iterable[str | Path], columns: list[str] | None = None) -> pa.Table:
    """All rows of several shards, in `image_id` order."""
    return pa.concat_tables([read_table(path, columns) for path in paths]).sort_by("image_id")


def read_metadata(path: str | Path) -> dict:
    """What `write_table` stored under `sgid`, or an empty mapping."""
    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata.get(b"sgid", b"{}"))


def image_rows(image_ids: list[str], encoded: list[bytes], labels: list[int], *, suffix: str = "png") -> pa.Table:
    """The three columns of every image table."""
    pictures = [{"bytes": data, "path": f"{name}.{suffix}"} for name, data in zip(image_ids, encoded, strict=True)]
    return pa.table(
        {
            "image_id": pa.array(image_ids, pa.string()),
            "image": pa.array(pictures, IMAGE_TYPE),
            "label": pa.array(labels, pa.int64()),
        }
    )


def shard(table: pa.Table, index: int, count: int) -> pa.Table:
    """Rows of shard `index` (0-based) of `count`: contiguous, sizes differing by at most one, together every row."""
    if not 0 <= index < count:
        raise ValueError(f"shard {index} of {count} does not exist; shards count from 0")
    start, stop = (len(table) * edge // count for edge in (index, index + 1))
    return table.slice(start, stop - start)


def encode(image: Image.Image, encoding: str = "png") -> bytes:
    """Encode by the name of an encoding: `png` (lossless) or `jpeg95`."""
    name, options = ENCODINGS[encoding]
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def decode(data: bytes, *, name: str = "image") -> Image.Image:
    """Decode by content, not by name, to RGB; transparent pictures are laid on white."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
            image.load()
    except UNDECODABLE as error:
        raise ValueError(f"{name}: cannot be decoded as an image ({error}); remove or replace it") from error
    if image.mode.startswith("I;16"):
        # Pillow clips 16 bits to 255, which turns nearly every such picture white.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def pictures_of(table: pa.Table) -> list[Image.Image]:
    """Every picture of a table, decoded."""
    rows = zip(table["image_id"].to_pylist(), table["image"].to_pylist(), strict=True)
    return [decode(image["bytes"], name=image_id) for image_id, image in rows]


def pixels_of(table: pa.Table, size: int) -> np.ndarray:
    """uint8 (N, size, size, 3): shorter side to `size` (bicubic), centre crop."""
    return np.stack([np.asarray(fitted(picture, size)) for picture in pictures_of(table)])


def fitted(picture: Image.Image, size: int) -> Image.Image:
    """Shorter side to `size` by bicubic resampling, then the centre square; unchanged where it already fits."""
    if picture.size == (size, size):
        return picture
    scale = size / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = picture.resize((width, height), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))
