"""The training loop: epoch by epoch through the rows of a training set, to be stopped and continued at any step.

All chance of a run comes from its seed: the order of the pictures, augmentation, and what the network draws have each
their own stream. Where these stand, with weights, optimiser and the rows left of the epoch, is a run's whole state, so
that a run continued on a CPU ends with the bits of one that was never stopped.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sgid.backbones import Recipe
from sgid.checkpoints import Checkpoint
from sgid.memory import moved
from sgid.optimisation import (
    averaged,
    network_randomness,
    optimizer_of,
    own_randomness,
    rate_share,
    set_network_randomness,
    set_rate,
    training_step,
)
from sgid.seeding import seed_for
from sgid.stopping import stopping

LOG = logging.getLogger("sgid.loop")
Batch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Examples:
    """What an epoch's rows point into: inputs (N, ...), float targets (N, classes), generated bool (N,).

    device: where the network is; the tensors may lie on the host all the same.
    """

    inputs: Tensor
    targets: Tensor
    generated: Tensor
    device: torch.device

    def at(self, rows: Tensor) -> Batch:
        """The batch of int64 (B,) rows of the CPU, on the device; nothing waits for what the device has to do."""
        there = moved(rows, self.device)
        inputs, targets, generated = (
            moved(tensor[rows if tensor.is_cpu else there], self.device)
            for tensor in (self.inputs, self.targets, self.generated)
        )
        return inputs, targets, generated


# Pictures (or features), targets and which were generated, to what the network sees, around one forward pass.
Augment = Callable[[Tensor, Tensor, Tensor], AbstractContextManager[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class Plan:
    """The recipe, steps in all, how the rows of an epoch are drawn (each time anew), and how its batches are augmented.

    measure: accuracy in percent on validation, for a run whose best epoch is reported; None for the last epoch.
    chance: the generator that `augment` draws from, None if it draws nothing. forward: the network compiled, or itself.
    """

    recipe: Recipe
    steps: int
    epoch_rows: Callable[[torch.Generator], Tensor]
    augment: Augment
    chance: torch.Generator | None = None
    measure: Callable[[nn.Module], float] | None = None
    forward: Callable[[nn.Module], Callable[[Tensor], Tensor]] = lambda model: model


@dataclass(frozen=True)
class History:
    """What a training leaves beside the network; each loss is the mean over the pictures of an epoch.

    images: pictures seen, over all epochs; validation_accuracy (percent, by epoch) and best_epoch (from 1, the one
    whose weights are reported) where `best_on_validation` is asked for.
    """

    epochs: int
    steps: int
    images: int
    seconds: float
    train_loss: list[float]
    validation_accuracy: list[float] = field(default_factory=list)
    best_epoch: int | None = None


class Run:
    """One training of one network, as far as it has come."""

    def __init__(self, model: nn.Module, examples: Examples, *, plan: Plan, seed: int) -> None:
        self.model, self.examples, self.plan, self.seed = model, examples, plan, seed
        self.forward = plan.forward(model)
        self.optimizer, self.average = optimizer_of(model, plan.recipe), averaged(model, plan.recipe.ema)
        order = torch.Generator().manual_seed(seed_for(seed, "order"))
        self.generators = {"order": order} | ({"augmentation": plan.chance} if plan.chance else {})
        self.waiting: list[Tensor] = []  # the rows of each batch that is left of the epoch
        self.steps, self.images, self.seconds, self.began = 0, 0, 0.0, 0.0
        self.losses: list[float] = []
        self.accuracies: list[float] = []
        self.best: dict[str, Tensor] | None = None
        self._open_epoch()

    def _open_epoch(self) -> None:
        # The sum stays on the device: reading it waits for the device.
        self.loss, self.seen = torch.zeros((), device=self.examples.device), 0

    def step(self) -> None:
        """Train on the next batch, and close the epoch behind its last one."""
        if not self.waiting:
            rows = self.plan.epoch_rows(self.generators["order"])
            # Nearly equal batches: nothing is dropped, and no tiny last batch upsets batch normalisation.
            self.waiting = list(rows.tensor_split(math.ceil(len(rows) / self.plan.recipe.batch_size)))
        rows, recipe = self.waiting.pop(0), self.plan.recipe
        set_rate(self.optimizer, recipe.learning_rate * rate_share(self.steps, self.plan.steps, recipe))
        with self.plan.augment(*self.examples.at(rows)) as (batch, wanted):
            loss = training_step(self.forward, batch, wanted, optimizer=self.optimizer, recipe=recipe)
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.loss += len(rows) * loss
        self.seen, self.images, self.steps = self.seen + len(rows), self.images + len(rows), self.steps + 1
        if not self.waiting or self.steps == self.plan.steps:
            self._close_epoch()

    def _close_epoch(self) -> None:
        self.losses.append(finite(self.loss.item() / self.seen, len(self.losses)))
        self._open_epoch()
        if self.plan.measure is None:
            return
        with self.paused():
            self.accuracies.append(self.plan.measure(self.reported))
            self.model.train()
            if self.accuracies[-1] > max(self.accuracies[:-1], default=-math.inf):
                self.best = {name: value.clone() for name, value in self.reported.state_dict().items()}

    @property
    def reported(self) -> nn.Module:
        """The network whose weights count: the averaged one where there is one."""
        return self.model if self.average is None else self.average.module

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What the block takes is no time of training."""
        self.seconds += time.perf_counter() - self.began
        yield
        self.began = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """All that decides how the run goes on. Raises ValueError rather than give the state of one that broke down."""
        finite(self.loss.item(), len(self.losses))
        self._refuse_broken()
        return {
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "generators": {name: generator.get_state() for name, generator in self.generators.items()},
            "network": network_randomness(self.examples.device),
            "waiting": self.waiting,
            "loss": self.loss,
            "counts": {name: getattr(self, name) for name in COUNTED},
        }

    def _refuse_broken(self) -> None:
        # The loss of a step is that of the weights before it.
        if not all(parameter.isfinite().all() for parameter in self.model.parameters()):
            raise ValueError(f"step {self.steps} left weights that are no numbers; lower the backbone's learning_rate")

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.waiting, self.loss = state["best"], state["waiting"], state["loss"].to(self.examples.device)
        for name, generator in self.generators.items():
            generator.set_state(state["generators"][name])
        set_network_randomness(state["network"], self.examples.device)
        for name, value in state["counts"].items():
            setattr(self, name, value)

    def finish(self) -> History:
        """Give the network the weights that are reported, and say what happened."""
        self._refuse_broken()
        self.model.load_state_dict(self.best or self.reported.state_dict())
        return History(
            epochs=len(self.losses),
            steps=self.steps,
            images=self.images,
            seconds=self.seconds,
            train_loss=self.losses,
            validation_accuracy=self.accuracies,
            best_epoch=self.accuracies.index(max(self.accuracies)) + 1 if self.accuracies else None,
        )


COUNTED = ("steps", "images", "seen", "seconds", "losses", "accuracies")


def optimise(run: Run, checkpoint: Checkpoint | None = None) -> History:
    """Bring a run to its last step, from where its checkpoint left it.

    Raises ValueError for a loss that is no number, and behind a stop signal InterruptedError; what the checkpoint holds
    then is where the next call goes on.
    """
    steps = run.plan.steps
    with own_randomness(run.seed, run.examples.device), stopping() as stop:
        if checkpoint is not None and (state := checkpoint.load()) is not None:
            run.restore(state)
            LOG.info("%s: going on behind step %d of %d", checkpoint.path, run.steps, steps)
        run.model.train()
        run.began = saved = time.perf_counter()
        while run.steps < steps:
            run.step()
            if checkpoint is not None and (stop.signal or time.perf_counter() - saved >= 60 * checkpoint.minutes):
                with run.paused():
                    checkpoint.save(run.state())
                saved = time.perf_counter()
            stop.heed(run.steps if checkpoint else 0, steps, of="steps")
        with run.paused():
            return run.finish()


def finite(loss: float, epoch: int) -> float:
    """The loss, unless training has broken down in this epoch (from 0)."""
    if not math.isfinite(loss):
        raise ValueError(f"the training loss of epoch {epoch + 1} is {loss}; lower the backbone's learning_rate")
    return loss
