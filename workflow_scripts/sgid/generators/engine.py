"""The engine that draws a shard: batches of different images, each picture safe before the next batch begins.

What was drawn before, by whatever job, is taken from the packs. A batch that does not fit the memory is halved; a
picture that comes out black or not finite is drawn again from a seed of its own, a few times, and then kept with its
flag. A signal to stop is heeded behind a batch.
"""

import hashlib
import json
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from sgid.generators import GENERATORS
from sgid.generators.denoising import Batch, Diffusion, Drawn, Sampling
from sgid.generators.drawing import Generation, Picture, SetName, key_of, pictures_to_draw, rows_of
from sgid.generators.packs import Packs
from sgid.image_table import encode, pixels_of, rows_at
from sgid.runtime import provenance
from sgid.stopping import stopping
from sgid.weighting import Spans, Weighting, embed_prompts

LOG = logging.getLogger("sgid.engine")
ATTEMPTS = 3  # at a picture, before it is kept with its flag
ROWS = 256  # of the table, in memory at once
REPORT_SECONDS = 15.0
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

    def key(self, picture: Picture) -> str:
        """The key of a picture in the packs."""
        return key_of(
            picture,
            name=self.name,
            generation=self.generation,
            weighting=self.weighting,
            identity=self.identity,
        )


def identity_of(record: Mapping[str, Any], device: str) -> dict[str, Any]:
    """What decides the bytes of a picture beside its names and settings: weights, code, versions and device."""
    folder = Path(__file__).parent
    sources = [*sorted(folder.glob("*.py")), folder.parent / "weighting.py"]
    origin = provenance(device)
    return {
        "model": record,
        "code": hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest(),
        "packages": {name: origin["packages"][name] for name in ("torch", "diffusers", "transformers", "pillow")},
        "device": origin["device"],
    }


def draw_images(engine: Engine, originals: pa.Table, prompts: pa.Table, *, replicates: int = 1) -> Iterator[pa.Table]:
    """`replicates` generated images for each original with all that made them, as tables in the order of their ids.

    `prompts` may hold further images. Raises ValueError for an image without a prompt and where the memory is too small
    for one picture, InterruptedError behind a signal, OSError for a full disk; what was drawn by then is kept.
    """
    todo = pictures_to_draw(originals, prompts, replicates)
    todo.sort(key=lambda picture: engine.name.image_id(picture.source_id, picture.replicate))
    missing = [picture for picture in todo if engine.key(picture) not in engine.packs]
    before, size = len(todo) - len(missing), sum(place.size for place in engine.packs.places.values())
    LOG.info("%d of %d pictures were drawn before; the packs hold %.1f MB", before, len(todo), size / 1e6)
    draw_missing(engine, originals, missing)
    for start in range(0, len(todo), ROWS):
        part = todo[start : start + ROWS]
        drawn = [kept(engine, originals, picture) for picture in part]
        yield rows_of(part, drawn, name=engine.name, encoding=engine.generation.encoding)


def kept(engine: Engine, originals: pa.Table, picture: Picture) -> tuple[bytes, Mapping[str, Any]]:
    """A picture from the packs; drawn once more where its bytes there are damaged."""
    try:
        return engine.packs.read(engine.key(picture))
    except KeyError:
        draw_missing(engine, originals, [picture])
        return engine.packs.read(engine.key(picture))


def draw_missing(engine: Engine, originals: pa.Table, pictures: Sequence[Picture]) -> None:
    """Draw pictures batch by batch into the packs."""
    queue: deque[Attempt] = deque((picture, 0) for picture in pictures)
    size, progress = engine.generation.batch_size, Progress(len(pictures))
    with stopping() as stop:
        while queue:
            wanted = [queue.popleft() for _ in range(min(size, len(queue)))]
            try:
                drawn, truncated = draw_batch(engine, originals, wanted, size=size)
            except torch.OutOfMemoryError as error:
                size = halved(size, error)
                queue.extendleft(reversed(wanted))
                continue
            again = [
                failed(attempt) for attempt, flag in zip(wanted, drawn.flags, strict=False) if redrawn(attempt, flag)
            ]
            engine.packs.add(finished_pictures(engine, wanted, drawn, truncated))
            queue.extend(again)
            progress.at(len(pictures) - len(queue))
            stop.heed(len(pictures) - len(queue), len(pictures))


def redrawn(attempt: Attempt, flag: str) -> bool:
    """Whether a picture is worth another attempt."""
    return bool(flag) and attempt[1] + 1 < ATTEMPTS


def failed(attempt: Attempt) -> Attempt:
    """The next attempt at a picture."""
    picture, number = attempt
    LOG.warning("%s: attempt %d failed, the next one has another seed", picture.source_id, number + 1)
    return picture, number + 1


def halved(size: int, error: Exception) -> int:
    """Half a batch; raises ValueError where one picture was too much."""
    if size == 1:
        raise ValueError("one picture alone does not fit the device's memory; draw at a lower resolution") from error
    LOG.warning("%d pictures do not fit the device's memory; going on with %d at once", size, size // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return size // 2


@torch.inference_mode()
def draw_batch(
    engine: Engine, originals: pa.Table, wanted: Sequence[Attempt], *, size: int
) -> tuple[Drawn, list[bool]]:
    """One batch by the recipe's generator at the set's noise rate, and whose prompt was cut to the encoder's limit."""
    generation, model = engine.generation, engine.model
    filled = [*wanted, *[wanted[-1]] * (size - len(wanted) if generation.exact else 0)]
    prompts, truncated = engine.embedded([json.loads(picture.prompt["weights"]) for picture, _ in filled])
    seeds = [engine.name.seed(picture.source_id, picture.replicate, attempt) for picture, attempt in filled]
    batch = Batch(
        originals=pixels_of(rows_at(originals, [picture.row for picture, _ in filled]), generation.resolution),
        prompts=prompts,
        empty_prompt=engine.empty_prompt,
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


@dataclass
class Progress:
    """Lines in the log: how many, how fast, how long still, how much memory."""

    total: int
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def at(self, done: int) -> None:
        """Say where the drawing stands, at most every few seconds and at its end."""
        now = time.monotonic()
        if done < self.total and now - self.said < REPORT_SECONDS:
            return
        self.said = now
        rate = done / max(now - self.began, 1e-3)
        memory = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
        used = f", {memory:.1f} GB of the GPU" if memory else ""
        LOG.info("%d of %d, %.2f a second, %.0f s left%s", done, self.total, rate, (self.total - done) / rate, used)
