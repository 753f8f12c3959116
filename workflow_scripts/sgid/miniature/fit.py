"""The training loop of all tiny models, and the record each leaves beside its weights."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from sgid.miniature import world

log = logging.getLogger(__name__)
STYLES = {"web": 0.0, "target": 1.0}  # name to `target_share`


@dataclass(frozen=True)
class Recipe:
    """How a tiny model is trained: AdamW, 5 % linear warm-up, cosine to zero, `batch` of `pool` drawn pictures a step.

    target_share: of the pool, the share in target style; ema: decay of the moving average that is kept, 0 for none.
    """

    steps: int
    batch: int
    learning_rate: float
    seed: int
    pool: int = 20_000
    target_share: float = 0.35
    ema: float = 0.0


def draw_pool(recipe: Recipe) -> world.Drawings:
    """The corpus of one model. Its seed starts with a word, so that no experiment's pictures can coincide with it."""
    rng = np.random.default_rng([int.from_bytes(b"corpus"), recipe.seed])
    return world.draw(rng, recipe.pool, target_share=recipe.target_share)


def held_out(recipe: Recipe, *, target_share: float) -> world.Drawings:
    """Pictures of one style that no training has drawn, the measure of a model's quality: 2 % of the pool's size."""
    rng = np.random.default_rng([int.from_bytes(b"held out"), recipe.seed])
    return world.draw(rng, max(64, recipe.pool // 50), target_share=target_share)


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def fit(
    parameters: Iterable[torch.nn.Parameter],
    loss_of: Callable[[torch.Tensor, torch.Generator], torch.Tensor],
    recipe: Recipe,
) -> list[tuple[int, float]]:
    """Minimise `loss_of(rows of the pool, generator)`; returns (step, mean loss since the last entry) pairs.

    With `recipe.ema` > 0 the parameters end as their exponential moving average.
    """
    parameters = list(parameters)
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step / recipe.steps))
    average = [p.detach().clone() for p in parameters]
    history, recent, started = [], [], time.monotonic()
    for step in range(1, recipe.steps + 1):
        rows = torch.randint(recipe.pool, (recipe.batch,), generator=generator)
        loss = loss_of(rows, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if recipe.ema:
            decay = min(recipe.ema, step / (step + 10))
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
        recent.append(loss.item())
        if step % 100 == 0 or step == recipe.steps:
            mean, seconds = float(np.mean(recent)), time.monotonic() - started
            history.append((step, mean))
            log.info("step %d of %d, loss %.4f, %.0f s", step, recipe.steps, mean, seconds)
            recent.clear()
    if recipe.ema:
        with torch.no_grad():
            for parameter, averaged in zip(parameters, average, strict=True):
                parameter.copy_(averaged)
    return history


def rate_at(progress: float) -> float:
    """Share of the peak learning rate at `progress` in [0, 1]."""
    return min(1.0, (progress + 1e-3) / 0.05) * 0.5 * (1 + np.cos(np.pi * min(progress, 1.0)))


def fingerprint(recipe: Recipe, settings: dict) -> str:
    """Hash of everything that goes into a model: its recipe, its settings, and the pictures as drawn today."""
    sample = world.draw(np.random.default_rng(0), 64, target_share=0.5)
    digest = hashlib.sha256(json.dumps([asdict(recipe), settings], sort_keys=True).encode())
    digest.update(sample.images.tobytes())
    return digest.hexdigest()


def write_record(folder: Path, recipe: Recipe, settings: dict, history: list, quality: dict) -> None:
    """`model.json` (what it is, how it was made, how good it is) and `log.csv` (its loss curve)."""
    rows = "".join(f"{step},{loss:.5f}\n" for step, loss in history)
    (folder / "log.csv").write_text("step,loss\n" + rows)
    record = {
        "miniature": True,
        "recipe": asdict(recipe),
        "settings": settings,
        "input_sha256": fingerprint(recipe, settings),
        "quality": quality,
    }
    (folder / "model.json").write_text(json.dumps(record, indent=2) + "\n")
