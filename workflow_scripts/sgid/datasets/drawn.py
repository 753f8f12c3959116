"""The miniature's data set: eight drawn shapes in target style, with an exact caption for every picture."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from sgid.image_table import encode, image_rows
from sgid.miniature import world
from sgid.miniature.grammar import exact_caption
from sgid.seeding import seed_for


def draw_dataset(archives: list[Path], sizes: dict[str, int]) -> tuple[dict[str, pa.Table], list[str]]:
    """Splits of balanced classes; validation is drawn as large as train. `archives` is empty: nothing is fetched."""
    counts = sizes | {"validation": sizes["train"]}
    return {split: draw_split(split, count) for split, count in counts.items()}, list(world.SHAPES)


def draw_split(split: str, count: int) -> pa.Table:
    """`count` pictures; the extra column `exact_caption` is what the captioner is judged by."""
    shapes = np.arange(count) % len(world.SHAPES)
    drawings = world.draw(np.random.default_rng(seed_for("drawn", split)), count, target_share=1.0, shapes=shapes)
    ids = [f"{split}/{world.SHAPES[shape]}/{index:05d}" for index, shape in enumerate(shapes)]
    encoded = [encode(Image.fromarray(image)) for image in drawings.images]
    captions = [exact_caption(drawings.words(index)) for index in range(count)]
    return image_rows(ids, encoded, shapes.tolist()).append_column("exact_caption", pa.array(captions))
