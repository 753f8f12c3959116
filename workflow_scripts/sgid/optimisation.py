"""What a step of training is made of: optimiser, learning rate, averaged weights, and the network's own chance."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sgid.backbones import Recipe
from sgid.runtime import fast_dtype
from sgid.seeding import seed_for


def training_step(
    model: nn.Module, batch: Tensor, targets: Tensor, *, optimizer: torch.optim.Optimizer, recipe: Recipe
) -> Tensor:
    """One step against soft targets (B, classes); the mean loss of the batch, detached. `model` may be compiled."""
    with autocast(batch.device):
        loss = cross_entropy(model(batch), targets, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if recipe.gradient_clip is not None:
        parameters = [value for group in optimizer.param_groups for value in group["params"]]
        nn.utils.clip_grad_norm_(parameters, recipe.gradient_clip)
    optimizer.step()
    return loss.detach()


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's sgd (Nesterov, if it has momentum) or adamw over what is trained; one kernel a step on a GPU."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    how = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "fused": parameters[0].is_cuda or None}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.momentum > 0, **how)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, **how)
    raise ValueError(f"optimizer {recipe.optimizer!r} is not defined (have: adamw, sgd)")


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def rate_share(step: int, total: int, recipe: Recipe) -> float:
    """Share of the learning rate at a step: linear warm-up, then the schedule, `cosine` to zero or `constant`."""
    if recipe.schedule not in SCHEDULES:
        raise ValueError(f"schedule {recipe.schedule!r} is not defined (have: {', '.join(SCHEDULES)})")
    warmup = round(recipe.warmup * total)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return SCHEDULES[recipe.schedule]((step - warmup) / max(1, total - warmup))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "constant": lambda progress: 1.0,
}


def averaged(model: nn.Module, decay: float | None) -> AveragedModel | None:
    """The exponential moving average of weights and buffers that a recipe's `ema` asks for, None for none.

    It begins at the weights of the first step, so there is no start to correct for.
    """
    if decay is None:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on a GPU that multiplies it; plain float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=fast_dtype(device.type) == torch.bfloat16)


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """A stream of its own for what layers draw (dropout, stochastic depth), for they know no generator but torch's."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed_for(seed, "network"))
        yield


def network_randomness(device: torch.device) -> list[Tensor]:
    """Where torch's own streams stand: the CPU's, and the GPU's where the network is on one."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def set_network_randomness(states: list[Tensor], device: torch.device) -> None:
    """Put torch's own streams where `network_randomness` found them."""
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state, device)
