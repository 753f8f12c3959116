"""A shard that is killed again and again: what is committed is not drawn twice, and the table is the same at last."""

import os
import random
import signal
import time
from pathlib import Path

import pyarrow as pa
import pytest
from test_determinism import prompts_for

from sgid.datasets.drawn import draw_split
from sgid.generators import GENERATORS
from sgid.generators.batches import Engine
from sgid.generators.drawing import SetName
from sgid.generators.engine import draw_images
from sgid.generators.generation import Generation
from sgid.generators.packs import open_packs
from sgid.image_table import write_row_groups
from sgid.weighting import Weighting

COUNT, BATCH = 48, 4
GENERATION = Generation("img2img", steps=8, resolution=32, batch_size=BATCH)
NAME = SetName("shapes", "sgid", "0.5")


@pytest.fixture(scope="module")
def originals():
    return draw_split("kills", COUNT).sort_by("image_id")


def draw_shard(model, originals: pa.Table, folder: Path) -> None:
    """The shard as its rule draws it, with a line in a log for each batch that is begun."""
    own = GENERATORS["img2img"]

    def noted(model, batch, sampling):
        with open(folder / "begun", "a") as stream:
            stream.write(f"{len(batch)}\n")
        return own(model, batch, sampling)

    GENERATORS["img2img"] = noted
    with open_packs(folder / "packs", "shard") as packs:
        engine = Engine(model, NAME, GENERATION, Weighting(restore_mean=False), packs)
        tables = draw_images(engine, originals, prompts_for(originals))
        write_row_groups(tables, folder / "shard.parquet", metadata={"recipe": "sgid"})


def child(model, originals: pa.Table, folder: Path) -> int:
    """The process id of a fork that draws the shard; 0 is its exit status where it came to the end."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            draw_shard(model, originals, folder)
            status = 0
        finally:
            os._exit(status)
    return number


def begun(folder: Path) -> int:
    return sum(map(int, (folder / "begun").read_text().split())) if (folder / "begun").exists() else 0


def killed(model, originals: pa.Table, folder: Path, *, by: int, after: float) -> bool:
    """Start the shard and send a signal after some seconds; whether it was still at work."""
    number = child(model, originals, folder)
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if os.waitpid(number, os.WNOHANG) != (0, 0):
            return False
        time.sleep(0.002)
    os.kill(number, by)
    os.waitpid(number, 0)
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("by", "times"), [(signal.SIGKILL, 20), (signal.SIGTERM, 10)])
def test_a_shard_killed_at_random_moments_loses_and_repeats_no_more_than_what_was_in_flight(
    model, originals, tmp_path, by, times
):
    calm, restless = tmp_path / "calm", tmp_path / "restless"
    for folder in (calm, restless):
        folder.mkdir()
    began = time.monotonic()
    assert os.waitpid(child(model, originals, calm), 0)[1] == 0
    whole, chance, kills = time.monotonic() - began, random.Random(0), 0
    assert begun(calm) == COUNT
    for _ in range(times):
        # Short enough that all kills together leave something to draw.
        kills += killed(model, originals, restless, by=by, after=chance.uniform(0, whole / times))
    # Where the machine has become faster meanwhile, the shard is whole before the last of them.
    assert kills >= times // 2
    assert os.waitpid(child(model, originals, restless), 0)[1] == 0
    assert (restless / "shard.parquet").read_bytes() == (calm / "shard.parquet").read_bytes()
    # One batch is drawn while the one before it is committed.
    assert begun(restless) <= COUNT + kills * 2 * BATCH
    assert not list(restless.glob(".*"))
