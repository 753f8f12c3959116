"""One batch: pictures and their prompts in, encoded pictures and what is to be said of each out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from sgid.generators import GENERATORS
from sgid.generators.denoising import Batch, Diffusion, Drawn, Sampling, load_diffusion
from sgid.generators.drawing import Picture, SetName, key_of, needs_guidance
from sgid.generators.generation import Generation
from sgid.generators.packs import Packs
from sgid.image_table import encode, pixels_of, rows_at
from sgid.weighting import Spans, Weighting, embed_prompts

ATTEMPTS = 3  # at a picture, before it is kept with its flag
Attempt = tuple[Picture, int]


@dataclass(frozen=True)
class Engine:
    """A model and all that decides how it draws one set. `identity`: weights, versions and device, for the packs."""

    model: Diffusion
    name: SetName
    generation: Generation
    weighting: Weighting
    packs: Packs
    identity: Mapping[str, Any] = field(default_factory=dict)

    def embedded(self, prompts: Sequence[Spans]) -> tuple[torch.Tensor, list[bool]]:
        """Weighted embeddings (B, L, D) of prompts, and which of them were cut to the encoder's limit."""
        model = self.model
        return embed_prompts(prompts, model.text_encoder, tokenizer=model.tokenizer, weighting=self.weighting)

    @cached_property
    def empty_prompt(self) -> torch.Tensor:
        """The embedding (1, L, D) of the empty prompt, the same for all batches."""
        return self.embedded([[]])[0]

    def is_guided(self, picture: Picture) -> bool:
        """Whether a picture needs the unconditional half beside the conditional one."""
        return needs_guidance(picture, self.generation.generator)

    def key(self, picture: Picture) -> str:
        """The key of a picture in the packs."""
        return key_of(
            picture,
            name=self.name,
            generation=self.generation,
            weighting=self.weighting,
            identity=self.identity,
        )


def load_model(record: str | Path, generation: Generation, *, device: str) -> Diffusion:
    """The checkpoint in the folder of its model.json, as a recipe runs it; `generation` leaves nothing open."""
    return load_diffusion(
        record,
        device=device,
        dtype=generation.precision,
        scheduler=generation.scheduler,
        channels_last=generation.channels_last,
        compiled=generation.compile,
    )


def redrawn(attempt: Attempt, flag: str) -> bool:
    """Whether a picture is worth another attempt."""
    return bool(flag) and attempt[1] + 1 < ATTEMPTS


@torch.inference_mode()
def draw_batch(
    engine: Engine, originals: pa.Table, wanted: Sequence[Attempt], *, size: int
) -> tuple[Drawn, list[bool]]:
    """One batch by the recipe's generator at the set's noise rate, and whose prompt was cut to the encoder's limit.

    All of its pictures need the unconditional half, or none does. A shape of `size` is filled up if it is to be exact.
    """
    generation, model = engine.generation, engine.model
    filled = [*wanted, *[wanted[-1]] * (size - len(wanted) if generation.exact else 0)]
    prompts, truncated = engine.embedded([json.loads(picture.prompt["weights"]) for picture, _ in filled])
    seeds = [engine.name.seed(picture.source_id, picture.replicate, attempt) for picture, attempt in filled]
    batch = Batch(
        originals=pixels_of(rows_at(originals, [picture.row for picture, _ in filled]), generation.resolution),
        prompts=prompts,
        empty_prompt=engine.empty_prompt if engine.is_guided(wanted[0][0]) else None,
        guidance=torch.tensor([picture.prompt["guidance"] for picture, _ in filled]),
        # On the CPU whatever the device, so that a GPU draws from the same numbers.
        generators=[torch.Generator().manual_seed(seed) for seed in seeds],
    )
    sampling = Sampling(generation.steps, float(engine.name.noise_rate), generation.image_guidance)
    return GENERATORS[generation.generator](model, batch, sampling), truncated


def finished_pictures(
    engine: Engine, wanted: Sequence[Attempt], drawn: Drawn, truncated: Sequence[bool]
) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """What goes into the packs of one batch, by key: those that came out well, and those whose attempts are over."""
    found = {}
    for position, (picture, attempt) in enumerate(wanted):
        flag = drawn.flags[position]
        if redrawn((picture, attempt), flag):
            continue
        image = stored(drawn.images[position], engine.generation.output_size)
        notes = {
            "seed": engine.name.seed(picture.source_id, picture.replicate, attempt),
            "steps_run": drawn.steps_run,
            "truncated": truncated[position],
            "attempts": attempt + 1,
            "flag": flag,
        }
        found[engine.key(picture)] = (encode(image, engine.generation.encoding), notes)
    return found


def stored(image: np.ndarray, size: int | None) -> Image.Image:
    """The picture as it goes into the table: as drawn, or brought to `size` by the mean of each area."""
    picture = Image.fromarray(image)
    return picture if size is None else picture.resize((size, size), Image.Resampling.BOX)
