"""A training that is killed again and again: it repeats only the step in flight, and ends with the same bits."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from drawn_training import RESNET, drawn_set, fit, parameters_of, with_recipe

from sgid import loop
from sgid.checkpoints import Checkpoint

ENTRY = with_recipe(RESNET, epochs=8, ema=0.9)
ONLINE = {"randaugment": {}, "cutmix": {}}
PICTURES = 160
STEPS = 8 * PICTURES // 16


def train(folder: Path) -> None:
    """The run with a checkpoint behind each step and a line for each step begun; its weights, once it is at its end."""
    own = loop.training_step

    def noted(*words, **named):
        with open(folder / "begun", "a") as stream:
            stream.write("step\n")
        return own(*words, **named)

    loop.training_step = noted
    checkpoint = Checkpoint(folder / "seed-1.checkpoint", key="of the test", minutes=0)
    model, history = fit(ENTRY, drawn_set(PICTURES), online=ONLINE, checkpoint=checkpoint)
    torch.save([parameters_of(model), history.train_loss], folder / "whole")


def child(folder: Path) -> int:
    """The process id of a fork that trains; 0 is its exit status where it came to the end."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            train(folder)
            status = 0
        finally:
            os._exit(status)
    return number


def begun(folder: Path) -> int:
    return len((folder / "begun").read_text().split()) if (folder / "begun").exists() else 0


def killed(folder: Path, *, by: int, behind: int) -> bool:
    """Start the training and send a signal some steps later; whether it was still at work."""
    number, target = child(folder), begun(folder) + behind
    while begun(folder) < target:
        if os.waitpid(number, os.WNOHANG) != (0, 0):
            return False
        time.sleep(0.001)
    # Anywhere within a step and the writing of its state.
    time.sleep(random.Random(target).uniform(0, 0.03))
    os.kill(number, by)
    os.waitpid(number, 0)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_training_killed_ten_times_at_random_ends_with_the_bits_of_one_left_alone(tmp_path, by):
    torch.set_num_threads(1)
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    for folder in (calm, restless):
        folder.mkdir()
    assert os.waitpid(child(calm), 0)[1] == 0
    chance = random.Random(0)
    kills = sum(killed(restless, by=by, behind=chance.randint(1, 5)) for _ in range(10))
    assert kills == 10
    assert os.waitpid(child(restless), 0)[1] == 0
    assert begun(calm) == STEPS
    assert STEPS <= begun(restless) <= STEPS + kills
    (weights, losses), (again, losses_again) = (torch.load(folder / "whole") for folder in (calm, restless))
    assert torch.equal(weights, again)
    assert losses == losses_again
    assert not list(restless.glob(".*"))
