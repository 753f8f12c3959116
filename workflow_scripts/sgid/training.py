"""Train one classifier: the pictures are decoded once, stay on the device as uint8, and are augmented there in batches.

Every random draw comes from one seed, a hash of (base seed, data set, backbone, method, seed): initial weights, order
and augmentation each have their own stream. What is reported is the last epoch, never the best one on the test set.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from torch.optim.lr_scheduler import LambdaLR

from sgid.backbones import Backbone, Classifier, Recipe, build_backbone
from sgid.composition import TrainingSet
from sgid.online import Augmentation, Online, unchanged
from sgid.seeding import seed_for
from sgid.transforms import evaluation_view

ENCODING_BATCH = 256


@dataclass(frozen=True)
class History:
    """What a training leaves beside the network; each loss is the mean over the pictures of an epoch."""

    epochs: int
    steps: int
    seconds: float
    train_loss: list[float]


def fit_classifier(
    backbone: Backbone,
    training_set: TrainingSet,
    *,
    classes: int,
    seed: int,
    online: Online | None = None,
    weights_folder: Path | None = None,
    device: str = "cpu",
) -> tuple[Classifier, History]:
    """Build the backbone and train it by its recipe; the same arguments on a CPU give the same bits."""
    online = online or Online()
    model = build_backbone(backbone, classes, weights_folder=weights_folder, seed=seed)
    model = model.to(device, memory_format=torch.channels_last)
    images, labels = training_set.images.to(device), training_set.labels.to(device)
    targets, generated = one_hot(labels, classes).float(), training_set.generated.to(device)
    if backbone.train == "head" and backbone.view.is_fixed and online == Online():
        # A frozen encoder that sees the same pixels every epoch: encode once, then train the head alone.
        features = encoded(model, backbone, images)
        how = {"augment": unchanged, "recipe": backbone.recipe, "seed": seed}
        return model, optimise(model.head, features, targets, generated, **how)
    layer = model.encoder.get_submodule(backbone.exchange_after)
    augment = Augmentation(backbone.view, online, layer, seed=seed)
    return model, optimise(model, images, targets, generated, augment=augment, recipe=backbone.recipe, seed=seed)


@torch.no_grad()
def encoded(model: Classifier, backbone: Backbone, images: Tensor) -> Tensor:
    """float32 (N, D): what the head sees of stored uint8 (N, S, S, 3)."""
    model.eval()
    with autocast(images.device):
        parts = [model.features(evaluation_view(part, backbone.view)) for part in images.split(ENCODING_BATCH)]
    return torch.cat(parts).float()


def optimise(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    generated: Tensor,
    *,
    augment: Callable,
    recipe: Recipe,
    seed: int,
) -> History:
    """Run the recipe on inputs (N, ...) and targets (N, classes); each epoch visits every row once."""
    steps = math.ceil(len(inputs) / recipe.batch_size)
    optimizer = optimizer_of(model, recipe)
    schedule = LambdaLR(optimizer, lambda step: rate_share(step, recipe.epochs * steps, recipe))
    order = torch.Generator().manual_seed(seed_for(seed, "order"))
    started, losses = time.perf_counter(), []
    model.train()
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=inputs.device)  # stays on the device: reading it waits for the device
        # Nearly equal batches: nothing is dropped, and no tiny last batch upsets batch normalisation.
        for rows in torch.randperm(len(inputs), generator=order).to(inputs.device).tensor_split(steps):
            with augment(inputs[rows], targets[rows], generated[rows]) as (batch, wanted):
                total += len(rows) * training_step(model, batch, wanted, optimizer=optimizer, recipe=recipe)
            schedule.step()
        losses.append(finite(total.item() / len(inputs), epoch))
    seconds = time.perf_counter() - started
    return History(epochs=recipe.epochs, steps=recipe.epochs * steps, seconds=seconds, train_loss=losses)


def training_step(
    model: nn.Module, batch: Tensor, targets: Tensor, *, optimizer: torch.optim.Optimizer, recipe: Recipe
) -> Tensor:
    """One step against soft targets; the mean loss of the batch, detached."""
    with autocast(batch.device):
        loss = cross_entropy(model(batch), targets, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if recipe.gradient_clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clip)
    optimizer.step()
    return loss.detach()


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's sgd (Nesterov) or adamw, over the parameters that are trained."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=recipe.momentum, nesterov=True)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    raise ValueError(f"optimizer {recipe.optimizer!r} is not defined (have: adamw, sgd)")


def rate_share(step: int, total: int, recipe: Recipe) -> float:
    """Share of the learning rate at a step: linear warm-up, then the schedule, `cosine` to zero or `constant`."""
    warmup = round(recipe.warmup * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if recipe.schedule not in SCHEDULES:
        raise ValueError(f"schedule {recipe.schedule!r} is not defined (have: {', '.join(SCHEDULES)})")
    return SCHEDULES[recipe.schedule]((step - warmup) / max(1, total - warmup))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "constant": lambda progress: 1.0,
}


def finite(loss: float, epoch: int) -> float:
    """The loss, unless training has broken down."""
    if not math.isfinite(loss):
        raise ValueError(f"the training loss of epoch {epoch + 1} is {loss}; lower the backbone's learning_rate")
    return loss


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where a GPU multiplies it fast; plain float32 on a CPU."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
