"""One shard of an image set: originals and their prompts in, a table of generated images out."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from sgid.generators import GENERATORS
from sgid.generators.denoising import Batch, Diffusion, Drawn, Sampling
from sgid.image_table import encode, image_rows, pixels_of
from sgid.seeding import seed_for
from sgid.weighting import Weighting, embed_prompts

log = logging.getLogger(__name__)

PROVENANCE_SCHEMA = pa.schema(
    [
        ("source_id", pa.string()),
        ("replicate", pa.int64()),
        ("caption", pa.string()),
        ("sampler", pa.string()),
        ("cosine", pa.float64()),
        ("similarity", pa.float64()),
        ("guidance", pa.float64()),
        ("noise_rate", pa.string()),
        ("prompt", pa.string()),
        ("weights", pa.string()),
        ("prompt_flag", pa.string()),
        ("seed", pa.int64()),
        ("steps_run", pa.int64()),
        ("truncated", pa.bool_()),
        ("attempts", pa.int64()),
        ("flag", pa.string()),
    ]
)
FROM_PROMPT = ("caption", "sampler", "cosine", "similarity", "guidance", "prompt", "weights", "prompt_flag")


@dataclass(frozen=True)
class Generation:
    """How a recipe's images are drawn and stored.

    `resolution`: side in pixels that the model works at. `output_size`: side of the stored square, None as drawn.
    `exact`: fill the last batch up, so that every batch has one shape and no byte depends on how a set is sharded.
    """

    generator: str
    steps: int = 50
    resolution: int = 512
    batch_size: int = 8
    encoding: str = "png"
    output_size: int | None = None
    scheduler: str | None = None
    dtype: str = "float32"
    image_guidance: float = 1.2
    exact: bool = True

    def __post_init__(self) -> None:
        if self.generator not in GENERATORS:
            raise ValueError(f"generator: {self.generator!r} is not defined (have: {', '.join(GENERATORS)})")


@dataclass(frozen=True)
class SetName:
    """What an image set is called: every picture's id and seed come from these names and its original's id."""

    dataset: str
    recipe: str
    noise_rate: str
    base_seed: int = 0

    def image_id(self, source_id: str, replicate: int) -> str:
        """The path-like id of one picture, unique in the set."""
        return f"{source_id}/{self.recipe}/noise-{self.noise_rate}/{replicate}"

    def seed(self, source_id: str, replicate: int) -> int:
        """The seed of all chance in one picture."""
        return seed_for(self.base_seed, self.dataset, source_id, self.recipe, self.noise_rate, replicate)


@dataclass(frozen=True)
class Picture:
    """One picture to draw: the row of the image it starts from, the original behind that, its prompt, its number."""

    row: int
    source_id: str
    label: int
    prompt: dict
    replicate: int


def draw_images(
    model: Diffusion,
    originals: pa.Table,
    prompts: pa.Table,
    *,
    name: SetName,
    generation: Generation,
    weighting: Weighting,
    replicates: int = 1,
) -> pa.Table:
    """`replicates` generated images for each original, with all that made them. `prompts` may hold further images."""
    empty, _ = embed_prompts([[]], model.text_encoder, tokenizer=model.tokenizer, weighting=weighting)
    todo = pictures_to_draw(originals, prompts, replicates)
    tables = []
    for start in range(0, len(todo), generation.batch_size):
        wanted = todo[start : start + generation.batch_size]
        filled = fill_up(wanted, generation)
        spans = [json.loads(picture.prompt["weights"]) for picture in filled]
        embeddings, truncated = embed_prompts(spans, model.text_encoder, tokenizer=model.tokenizer, weighting=weighting)
        batch = batch_of(filled, originals, name=name, prompts=(embeddings, empty), resolution=generation.resolution)
        drawn = draw(model, batch, name=name, generation=generation)
        tables.append(rows_of(wanted, drawn, truncated, name=name, generation=generation))
        log.info("%d of %d images", start + len(wanted), len(todo))
    return pa.concat_tables(tables)


def pictures_to_draw(originals: pa.Table, prompts: pa.Table, replicates: int) -> list[Picture]:
    """In the order of originals, replicates of one beside each other.

    Where `originals` were generated themselves (Text2Img & SGID), the source is the training image behind them.
    """
    prompt_of = {row["image_id"]: row for row in prompts.to_pylist()}
    ids, labels = originals["image_id"].to_pylist(), originals["label"].to_pylist()
    sources = originals["source_id"].to_pylist() if "source_id" in originals.column_names else ids
    missing = [name for name in ids if name not in prompt_of]
    if missing:
        raise ValueError(f"{len(missing)} images have no prompt, {missing[0]!r} first; run build_prompts again")
    return [
        Picture(row, sources[row], labels[row], prompt_of[image_id], replicate)
        for row, image_id in enumerate(ids)
        for replicate in range(replicates)
    ]


def fill_up(wanted: Sequence[Picture], generation: Generation) -> list[Picture]:
    """A whole batch: the last picture stands in for those that are lacking. Without `exact`, as it is."""
    lacking = generation.batch_size - len(wanted) if generation.exact else 0
    return [*wanted, *[wanted[-1]] * lacking]


def batch_of(
    pictures: Sequence[Picture],
    originals: pa.Table,
    *,
    name: SetName,
    prompts: tuple[torch.Tensor, torch.Tensor],
    resolution: int,
) -> Batch:
    """The tensors of one batch; `prompts`: embeddings (B, L, D) of the pictures', and (1, L, D) of the empty prompt."""
    seeds = [name.seed(picture.source_id, picture.replicate) for picture in pictures]
    return Batch(
        originals=pixels_of(originals.take([picture.row for picture in pictures]), resolution),
        prompts=prompts[0],
        empty_prompt=prompts[1],
        guidance=torch.tensor([picture.prompt["guidance"] for picture in pictures]),
        # On the CPU whatever the device, so that a GPU draws from the same numbers.
        generators=[torch.Generator().manual_seed(seed) for seed in seeds],
    )


@torch.inference_mode()
def draw(model: Diffusion, batch: Batch, *, name: SetName, generation: Generation) -> Drawn:
    """One batch by the generator that the recipe names, at the set's noise rate."""
    sampling = Sampling(generation.steps, float(name.noise_rate), generation.image_guidance)
    return GENERATORS[generation.generator](model, batch, sampling)


def rows_of(
    pictures: Sequence[Picture], drawn: Drawn, truncated: Sequence[bool], *, name: SetName, generation: Generation
) -> pa.Table:
    """Image table of the drawn pictures with their provenance; results past `pictures` were only filling."""
    ids = [name.image_id(picture.source_id, picture.replicate) for picture in pictures]
    encoded = [encode(stored(image, generation.output_size), generation.encoding) for image in drawn.images[: len(ids)]]
    table = image_rows(
        ids, encoded, [picture.label for picture in pictures], suffix=generation.encoding.rstrip("0123456789")
    )
    origin = [
        {key: picture.prompt[key] for key in FROM_PROMPT}
        | {
            "source_id": picture.source_id,
            "replicate": picture.replicate,
            "noise_rate": name.noise_rate,
            "seed": name.seed(picture.source_id, picture.replicate),
            "steps_run": drawn.steps_run,
            "truncated": truncated[position],
            "attempts": 1,
            "flag": drawn.flags[position],
        }
        for position, picture in enumerate(pictures)
    ]
    provenance = pa.Table.from_pylist(origin, schema=PROVENANCE_SCHEMA)
    return pa.table(table.columns + provenance.columns, names=table.column_names + provenance.column_names)


def stored(image: np.ndarray, size: int | None) -> Image.Image:
    """The picture as it goes into the table: as drawn, or brought to `size` by Lanczos resampling."""
    picture = Image.fromarray(image)
    return picture if size is None else picture.resize((size, size), Image.Resampling.LANCZOS)
