"""A training that is killed again and again: it repeats only the step in flight, and ends with the same bits."""

import multiprocessing
import os
import random
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from drawn_training import RESNET, drawn_set, fit, parameters_of, with_recipe

from sgid import loop
from sgid.checkpoints import Checkpoint

SERVER = multiprocessing.get_context("forkserver")  # it loads torch once for all of them
SERVER.set_forkserver_preload(["drawn_training", "timm"])
ENTRY = with_recipe(RESNET, epochs=8, ema=0.9)
ONLINE = {"randaugment": {}, "cutmix": {}}
PICTURES = 160
STEPS = 8 * PICTURES // 16


def train(folder: Path) -> None:
    """The run with a checkpoint behind each step and a line for each step begun; its weights, once it is at its end."""
    torch.set_num_threads(1)
    own = loop.training_step

    def noted(*words, **named):
        with open(folder / "begun", "a") as stream:
            stream.write("step\n")
        return own(*words, **named)

    loop.training_step = noted
    checkpoint = Checkpoint(folder / "seed-1.checkpoint", key="of the test", minutes=0)
    model, history = fit(ENTRY, drawn_set(PICTURES), online=ONLINE, checkpoint=checkpoint)
    torch.save([parameters_of(model), history.train_loss], folder / "whole")


def child(folder: Path) -> BaseProcess:
    """A process that trains; not a fork of this one, whose threads of earlier trainings autograd would refuse."""
    process = SERVER.Process(target=train, args=(folder,))
    process.start()
    return process


def exit_status(process: BaseProcess) -> int:
    process.join()
    return process.exitcode


def begun(folder: Path) -> int:
    return len((folder / "begun").read_text().split()) if (folder / "begun").exists() else 0


def killed(folder: Path, *, by: int, behind: int) -> bool:
    """Start the training and send a signal some steps later; whether it was still at work."""
    process, target = child(folder), begun(folder) + behind
    while begun(folder) < target:
        if process.exitcode is not None:
            return False
        time.sleep(0.001)
    # Anywhere within a step and the writing of its state.
    time.sleep(random.Random(target).uniform(0, 0.03))
    os.kill(process.pid, by)
    return exit_status(process) != 0


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_training_killed_ten_times_at_random_ends_with_the_bits_of_one_left_alone(tmp_path, monkeypatch, by):
    # Of Python 3.11, whose server has no other way to what it loads beforehand.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    for folder in (calm, restless):
        folder.mkdir()
    assert exit_status(child(calm)) == 0
    chance = random.Random(0)
    kills = sum(killed(restless, by=by, behind=chance.randint(1, 5)) for _ in range(10))
    assert kills == 10
    assert exit_status(child(restless)) == 0
    assert begun(calm) == STEPS
    assert STEPS <= begun(restless) <= STEPS + kills
    (weights, losses), (again, losses_again) = (torch.load(folder / "whole") for folder in (calm, restless))
    assert torch.equal(weights, again)
    assert losses == losses_again
    assert not list(restless.glob(".*"))
