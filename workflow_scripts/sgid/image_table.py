"""The Parquet table that all stages exchange: one row an image, rows in `image_id` order, written whole or not at all.

Columns of every image table: `image_id` (str, stable, path-like, unique), `image` (struct of encoded `bytes` and
`path`: the layout that Hugging Face `datasets`, DuckDB and pandas read), `label` (int, 0-based). A stage may add
columns; what holds for the whole file (split, recipe, models, versions) stands in the file's metadata under `sgid`.

The test images can be opened by `read_test_table` alone: every other reader refuses a table whose metadata calls it
test, whatever its path. So neither captions nor drawing nor training can see them by mistake.
"""

import contextlib
import functools
import io
import itertools
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps, UnidentifiedImageError

from sgid.runtime import replacing

# `png stored`: without compression, for tiny pictures, which the table's own compression serves better.
ENCODINGS = {
    "png": ("PNG", {}),
    "png stored": ("PNG", {"compress_level": 0}),
    "jpeg95": ("JPEG", {"quality": 95, "subsampling": 0}),
}
TEST = "test"
TINY = 64  # pictures up to this side are shown with their pixels, as they are
UNDECODABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError)
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


def write_row_groups(tables: Iterable[pa.Table], path: str | Path, *, metadata: dict) -> None:
    """Write tables behind each other as the row groups of one file, which need not fit the memory; ids must ascend."""
    last, writer = "", None
    encoded = {b"sgid": json.dumps(metadata, sort_keys=True).encode()}
    with replacing(path) as temporary, contextlib.ExitStack() as open_files:
        for table in tables:
            ids = [last, *table["image_id"].to_pylist()]
            twice = next((b for a, b in itertools.pairwise(ids) if a >= b), None)
            if twice is not None:
                raise ValueError(f"{path}: image_id {twice!r} occurs more than once, or out of order; ids are unique")
            if writer is None:
                schema = table.schema.with_metadata(encoded)
                writer = open_files.enter_context(open_writer(temporary, schema))
            writer.write_table(table)
            last = ids[-1]
        if writer is None:
            raise ValueError(f"{path}: no image to write; a split cannot be empty")


def open_writer(path: str | Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of row groups, compressed as every table here; it is closed by its caller."""
    return pq.ParquetWriter(path, schema, compression="zstd")


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read one table of anything but test images.

    Raises ValueError that names the file if it is no whole Parquet file, or if its images are the test images.
    """
    table = _read(path, columns)
    if _metadata(table.schema).get("split") == TEST:
        raise ValueError(f"{path}: holds the test images, which only read_test_table opens, for evaluation")
    return table


def row_groups(path: str | Path) -> Iterator[Callable[..., pa.Table]]:
    """A reader for each row group, of all columns or of those it is given; refuses what `read_table` refuses."""
    read_table(path, ["image_id"])
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield functools.partial(file.read_row_group, group)


def read_test_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """The one way to the test images: for the last evaluation of a run, and for the search for duplicates."""
    return _read(path, columns)


def _read(path: str | Path, columns: list[str] | None) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"{path}: not a readable Parquet table ({error}); delete it and run its rule again") from error


def read_tables(paths: Iterable[str | Path], columns: list[str] | None = None) -> pa.Table:
    """All rows of several shards, in `image_id` order."""
    return in_order(pa.concat_tables([read_table(path, columns) for path in paths]))


def in_order(table: pa.Table) -> pa.Table:
    """Rows in `image_id` order; a table that is so already is not copied, which past 2 GB Arrow could not do."""
    ids = table["image_id"].to_pylist()
    return table if all(a <= b for a, b in itertools.pairwise(ids)) else table.sort_by("image_id")


def rows_at(table: pa.Table, rows: Iterable[int]) -> pa.Table:
    """Some rows in the order given, as slices, which copy no picture: past 2 GB Arrow's `take` fails."""
    return pa.concat_tables([table.slice(0, 0), *(table.slice(row, 1) for row in rows)])


def read_metadata(path: str | Path) -> dict:
    """What a table's file says of itself under `sgid`, or an empty mapping."""
    return _metadata(pq.read_schema(path))


def _metadata(schema: pa.Schema) -> dict:
    return json.loads((schema.metadata or {}).get(b"sgid", b"{}"))


def image_rows(
    image_ids: list[str],
    encoded: list[bytes],
    labels: list[int],
    *,
    suffix: str = "png",
    suffixes: list[str] | None = None,
) -> pa.Table:
    """The three columns of every image table; `suffixes`, one an image, where they differ."""
    suffixes = suffixes or [suffix] * len(image_ids)
    paths = [f"{name.removesuffix('.' + end)}.{end}" for name, end in zip(image_ids, suffixes, strict=True)]
    pictures = [{"bytes": data, "path": path} for data, path in zip(encoded, paths, strict=True)]
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
    """Encode by one of the names in ENCODINGS."""
    name, options = ENCODINGS[encoding]
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def decode(data: bytes, *, name: str = "image") -> Image.Image:
    """Decode by content, not by name, to RGB: upright as its EXIF says, transparency laid on white, 16 bits cut to 8.

    Raises ValueError that names the image where it cannot be decoded, or has 32 bits a channel.
    """
    return rgb(opened(data, name=name), name=name)


def rgb(image: Image.Image, *, name: str) -> Image.Image:
    """An opened image as `decode` promises it."""
    if "exif" in image.info:
        image = upright(image, name=name)
    # Pillow clips what is deeper than 8 bits to 255, which turns nearly every such picture white.
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PPM"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"{name}: has 32 bits a channel, of which no one knows the white; save it with 8 or 16")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def opened(data: bytes, *, name: str) -> Image.Image:
    """The decoded image in its own mode; raises ValueError for bytes that are none."""
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > Image.MAX_IMAGE_PIXELS:  # Pillow itself only warns up to twice as many
            raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels are too many")
        image.load()
    except UnidentifiedImageError as error:
        raise ValueError(f"{name}: cannot be decoded as an image (no known format); remove or replace it") from error
    except UNDECODABLE as error:
        raise ValueError(f"{name}: cannot be decoded as an image ({error}); remove or replace it") from error
    return image


def upright(image: Image.Image, *, name: str) -> Image.Image:
    """Turned as a valid EXIF orientation says; other values mean nothing, as in four pictures of Oxford-IIIT Pet."""
    try:
        return ImageOps.exif_transpose(image)
    except (*UNDECODABLE, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"{name}: its EXIF data cannot be read ({error}); take it out or replace the image") from error


def pictures_of(table: pa.Table) -> list[Image.Image]:
    """Every picture of a table, decoded."""
    return [decode(data, name=image_id) for image_id, data in encoded_of(table)]


def encoded_of(table: pa.Table) -> Iterator[tuple[str, bytes]]:
    """(image_id, encoded bytes) of every row."""
    data = (value for chunk in table["image"].chunks for value in chunk.field("bytes").to_pylist())
    return zip(table["image_id"].to_pylist(), data, strict=True)


def pixels_of(table: pa.Table, size: int) -> np.ndarray:
    """uint8 (N, size, size, 3): shorter side to `size` (bicubic), centre crop; decoded one at a time."""
    pixels = np.empty((len(table), size, size, 3), np.uint8)
    for row, (image_id, data) in enumerate(encoded_of(table)):
        # A third of what Pillow's array interface costs, which counts where pictures are tiny.
        values = fitted(decode(data, name=image_id), size).tobytes()
        pixels[row] = np.frombuffer(values, np.uint8).reshape(size, size, 3)
    return pixels


def fitted(picture: Image.Image, size: int) -> Image.Image:
    """Shorter side to `size` by bicubic resampling, then the centre square; unchanged where it already fits."""
    if picture.size == (size, size):
        return picture
    scale = size / min(picture.size)
    width, height = (max(size, round(side * scale)) for side in picture.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = picture.resize((width, height), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))
