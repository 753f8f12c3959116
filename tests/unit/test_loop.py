"""The loop: every row of an epoch, equal batches, and a run that is stopped at any step ends as if it never was."""

import math
import os
import signal
from dataclasses import replace

import pytest
import torch
from drawn_training import PROBE, RANDOM_VIT, RESNET, drawn_pictures, drawn_set, fit, parameters_of, with_recipe
from torch.nn.functional import one_hot

from sgid import loop
from sgid.backbones import Recipe
from sgid.checkpoints import Checkpoint
from sgid.loop import Examples, History, Plan, Run, optimise
from sgid.online import unchanged

CHANCE = {"cutmix": {}, "randaugment": {}, "random_erasing": {}}
BEST = {"report": "best_on_validation"}
RUNS = {
    "averaged, mixed and augmented": (with_recipe(RESNET, ema=0.9), CHANCE, {}),
    "adamw with layers that draw": (RANDOM_VIT, {"moex": {}}, {}),
    "the best epoch": (with_recipe(RESNET, epochs=3, ema=0.5), {}, BEST),
    "a probe on features": (PROBE, {}, {}),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "seed-1.checkpoint", key="run", minutes=0)


@pytest.fixture
def stopped_at(monkeypatch):
    """Send a signal within the given steps of all fits together, counted from 1."""
    own, steps, wanted = loop.training_step, [], {}

    def step(*words, **named):
        steps.append(1)
        if (number := wanted.get(len(steps))) is not None:
            os.kill(os.getpid(), number)
        return own(*words, **named)

    monkeypatch.setattr(loop, "training_step", step)
    return wanted.update


def run_of(count, recipe, *, steps, seen=None, measure=None):
    """A linear layer that learns from the numbers 0 to count - 1, with the batches it saw in `seen`."""
    inputs, model = torch.arange(float(count)).unsqueeze(1), torch.nn.Linear(1, 2)
    torch.nn.init.zeros_(model.weight)

    def watch(batch, targets, generated):
        if seen is not None:
            seen.append(batch.flatten())
        return unchanged(batch, targets, generated)

    def rows(generator):
        return torch.randperm(count, generator=generator)

    targets, generated = one_hot(torch.arange(count) % 2, 2).float(), torch.zeros(count, dtype=torch.bool)
    plan = Plan(recipe, steps, epoch_rows=rows, augment=watch, measure=measure)
    return Run(model, Examples(inputs, targets, generated, torch.device("cpu")), plan=plan, seed=0)


RECIPE = Recipe("sgd", learning_rate=1e-4, weight_decay=0.0, epochs=3, batch_size=16)


def test_history_counts_epochs_and_steps_and_drops_no_picture():
    seen = []
    history = optimise(run_of(35, RECIPE, steps=9, seen=seen))
    assert (history.epochs, history.steps, history.images, len(history.train_loss)) == (3, 9, 105, 3)
    assert [len(batch) for batch in seen[:3]] == [12, 12, 11]
    assert torch.cat(seen[:3]).sort().values.tolist() == list(range(35))
    assert not torch.equal(torch.cat(seen[:3]), torch.cat(seen[3:6]))
    assert isinstance(history, History)


def test_the_last_epoch_ends_where_the_steps_do():
    seen = []
    history = optimise(run_of(35, RECIPE, steps=4, seen=seen))
    assert (history.epochs, history.steps, history.images, len(seen)) == (2, 4, 47, 4)
    assert len(history.train_loss) == 2


def test_the_loss_of_an_epoch_is_the_mean_over_the_pictures_it_saw():
    constant = Recipe("sgd", learning_rate=1e-12, weight_decay=0.0, epochs=1, batch_size=16)
    run = run_of(35, constant, steps=4)
    torch.nn.init.zeros_(run.model.bias)
    assert optimise(run).train_loss == pytest.approx([0.6931472] * 2)


def test_the_rate_follows_the_steps_of_the_whole_training(monkeypatch):
    rates, own = [], loop.set_rate
    monkeypatch.setattr(loop, "set_rate", lambda optimizer, rate: rates.append(rate) or own(optimizer, rate))
    optimise(run_of(32, RECIPE, steps=5))
    assert rates == pytest.approx([1e-4 * (1 + math.cos(math.pi * step / 5)) / 2 for step in range(5)])


def test_of_equal_epochs_the_earliest_is_the_best():
    values = iter([10.0, 50.0, 50.0])
    history = optimise(run_of(16, RECIPE, steps=3, measure=lambda network: next(values)))
    assert (history.validation_accuracy, history.best_epoch) == ([10.0, 50.0, 50.0], 2)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_stopped_twice_ends_with_the_bits_of_one_that_was_not(name, checkpoint, stopped_at):
    entry, online, settings = RUNS[name]
    how = {"online": online, "settings": settings, "validation": drawn_pictures(24)}
    whole, history = fit(entry, drawn_set(56), **how)
    steps = history.steps
    stopped_at({steps + 2: signal.SIGTERM, steps + 5: signal.SIGUSR1})
    for kept, number in ((2, "SIGTERM"), (5, "SIGUSR1")):
        sentence = rf"^stopped by {number}: {kept} of {steps} steps are kept; run this again to go on$"
        with pytest.raises(InterruptedError, match=sentence):
            fit(entry, drawn_set(56), **how, checkpoint=checkpoint)
    continued, again = fit(entry, drawn_set(56), **how, checkpoint=checkpoint)
    assert torch.equal(parameters_of(whole), parameters_of(continued))
    assert (history.train_loss, history.validation_accuracy) == (again.train_loss, again.validation_accuracy)
    assert (history.steps, history.images, history.best_epoch) == (again.steps, again.images, again.best_epoch)


def test_the_weights_of_the_best_epoch_outlast_a_stop(checkpoint):
    lively = replace(RECIPE, learning_rate=0.1)
    first = run_of(16, lively, steps=3, measure=lambda network: 50.0)
    first.step()
    checkpoint.save(first.state())
    later = run_of(16, lively, steps=3, measure=lambda network: 10.0)
    assert optimise(later, checkpoint).best_epoch == 1
    assert torch.equal(parameters_of(later.model), parameters_of(first.model))


def test_a_stop_without_a_checkpoint_promises_nothing(stopped_at):
    stopped_at({2: signal.SIGTERM})
    with pytest.raises(InterruptedError, match=r"^stopped by SIGTERM: 0 of 6 steps are kept"):
        fit(RESNET, drawn_set(48))


def test_a_checkpoint_of_another_run_does_not_count(checkpoint, stopped_at):
    stopped_at({2: signal.SIGTERM})
    with pytest.raises(InterruptedError):
        fit(RESNET, drawn_set(32), seed=2, checkpoint=Checkpoint(checkpoint.path, key="other"))
    model, _ = fit(RESNET, drawn_set(32), checkpoint=checkpoint)
    assert torch.equal(parameters_of(model), parameters_of(fit(RESNET, drawn_set(32))[0]))


def test_a_state_is_kept_each_so_many_minutes_and_not_more_often(checkpoint, monkeypatch):
    saved, now = [], iter(range(0, 100_000, 25))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(now)))
    monkeypatch.setattr(Checkpoint, "save", lambda self, state: saved.append(state["counts"]["steps"]))
    optimise(run_of(16, RECIPE, steps=12), Checkpoint(checkpoint.path, key="run", minutes=2))
    assert 0 < len(saved) <= 12 * 25 / 120 + 1


def test_measuring_on_validation_is_no_time_of_training(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])

    def measure(network):
        now[0] += 1000
        return 50.0

    run = run_of(16, RECIPE, steps=3, measure=measure)
    own = run.step

    def step():
        now[0] += 2
        own()

    run.step = step
    assert optimise(run).seconds == 6


def test_a_broken_down_run_leaves_the_earlier_checkpoint(checkpoint):
    good = run_of(16, RECIPE, steps=3)
    good.step()
    checkpoint.save(good.state())
    before = checkpoint.path.read_bytes()
    for spoil in (lambda run: run.loss.fill_(float("nan")), lambda run: run.model.weight.data.fill_(float("inf"))):
        run = run_of(16, RECIPE, steps=3)
        spoil(run)
        with pytest.raises(ValueError, match="lower the backbone's learning_rate"):
            checkpoint.save(run.state())
    assert checkpoint.path.read_bytes() == before


def test_weights_that_break_down_in_the_last_step_are_not_reported():
    run = run_of(16, RECIPE, steps=1)
    run.optimizer.step = lambda: run.model.weight.data.fill_(float("nan"))
    with pytest.raises(ValueError, match="step 1 left weights that are no numbers; lower the backbone's learning_rate"):
        optimise(run)
