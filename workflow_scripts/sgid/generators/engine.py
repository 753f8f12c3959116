"""The engine that draws a shard: batches of different images, each one safe before the next but one begins.

What was drawn before, by whatever job, is taken from the packs. A batch that does not fit the memory is halved; a
picture that comes out black or not finite is drawn again from a seed of its own, a few times, and then kept with its
flag. A signal to stop is heeded behind a batch.
"""

import hashlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from sgid.generators.batches import Attempt, Engine, draw_batch, finished_pictures, redrawn
from sgid.generators.denoising import Drawn
from sgid.generators.drawing import Picture, pictures_to_draw, rows_of
from sgid.runtime import one_ahead, provenance
from sgid.stopping import Stop, stopping

LOG = logging.getLogger("sgid.engine")
ROWS = 256  # of the table, in memory at once
REPORT_SECONDS = 15.0


def identity_of(record: Mapping[str, Any], device: str) -> dict[str, Any]:
    """What decides the bytes of a picture beside its names and settings: weights, code, versions and device."""
    folder = Path(__file__).parent
    sources = [*sorted(folder.glob("*.py")), folder.parent / "weighting.py", folder.parent / "image_table.py"]
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
    """Draw pictures batch by batch into the packs; a thread encodes and commits one batch while the next is drawn."""
    with_guidance_first = sorted(pictures, key=engine.is_guided, reverse=True)
    queue: deque[Attempt] = deque((picture, 0) for picture in with_guidance_first)
    done, progress = 0, Progress(len(pictures))
    with stopping() as stop:
        for finished in one_ahead(partial(commit, engine), drawn_batches(engine, originals, queue, stop=stop)):
            done += finished
            progress.at(done)
        if done < len(pictures):
            stop.heed(done, len(pictures))


def drawn_batches(
    engine: Engine, originals: pa.Table, queue: deque[Attempt], *, stop: Stop
) -> Iterator[tuple[list[Attempt], Drawn, list[bool]]]:
    """Each batch of the queue, as `draw_batch` gives it, until the queue is empty or a signal has come.

    Pictures that failed go back into the queue; after a batch that did not fit the memory all batches have half its
    size.
    """
    size = engine.generation.batch_size
    while queue and stop.signal is None:
        wanted = next_batch(engine, queue, size)
        try:
            drawn, truncated = draw_batch(engine, originals, wanted, size=size)
        except torch.OutOfMemoryError as error:
            size = halved(size, error)
            queue.extendleft(reversed(wanted))
            continue
        queue.extend(
            failed(attempt) for attempt, flag in zip(wanted, drawn.flags, strict=False) if redrawn(attempt, flag)
        )
        yield wanted, drawn, truncated


def next_batch(engine: Engine, queue: deque[Attempt], size: int) -> list[Attempt]:
    """Up to `size` pictures from the queue's head that all need the unconditional half, or all do not.

    Never both kinds in one batch: what a picture is drawn with must not depend on its neighbours.
    """
    guided, batch = engine.is_guided(queue[0][0]), []
    while queue and len(batch) < size and engine.is_guided(queue[0][0]) == guided:
        batch.append(queue.popleft())
    return batch


def commit(engine: Engine, batch: tuple[Sequence[Attempt], Drawn, Sequence[bool]]) -> int:
    """Encode the pictures of a batch whose attempts are over and put them into the packs; how many these were."""
    found = finished_pictures(engine, *batch)
    engine.packs.add(found)
    return len(found)


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
