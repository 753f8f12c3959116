"""The miniature's data set: eight drawn shapes in target style, with an exact caption for every picture."""

from itertools import chain

import numpy as np
import pyarrow as pa
from PIL import Image

from sgid.datasets.listing import Listing, Picture, Request, split_named
from sgid.image_table import encode, encoded_of, image_rows
from sgid.miniature import world
from sgid.miniature.grammar import exact_caption
from sgid.seeding import seed_for


def read_drawn(request: Request) -> Listing:
    """Splits of balanced classes, as large as the configuration says; validation is drawn as large as train."""
    split_named(request.split, "drawn")
    sizes = {"train": request.sizes["train"], "validation": request.sizes["train"], "test": request.sizes["test"]}
    tables = {split: draw_split(split, size) for split, size in sizes.items()}
    rows = [(split, row) for split, table in tables.items() for row in table.drop_columns("image").to_pylist()]
    pictures = [Picture(row["image_id"], row["label"], split, row["image_id"]) for split, row in rows]
    captions = {row["image_id"]: row["exact_caption"] for _, row in rows}
    return Listing(
        pictures,
        list(world.SHAPES),
        lambda: chain.from_iterable(map(encoded_of, tables.values())),
        columns={"exact_caption": captions},
    )


def draw_split(split: str, count: int) -> pa.Table:
    """`count` pictures; the extra column `exact_caption` is what the captioner is judged by."""
    shapes = np.arange(count) % len(world.SHAPES)
    drawings = world.draw(np.random.default_rng(seed_for("drawn", split)), count, target_share=1.0, shapes=shapes)
    ids = [f"{split}/{world.SHAPES[shape]}/{index:05d}" for index, shape in enumerate(shapes)]
    encoded = [encode(Image.fromarray(image)) for image in drawings.images]
    captions = [exact_caption(drawings.words(index)) for index in range(count)]
    return image_rows(ids, encoded, shapes.tolist()).append_column("exact_caption", pa.array(captions))
