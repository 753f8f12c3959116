"""What the engine does when things go wrong, and that nothing is drawn twice; on tiny random models."""

import errno
import signal
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa
import pytest
import tiny_models
import torch
from test_generators import GENERATION, NAME, prompts_for

from sgid.generators import GENERATORS, packs
from sgid.generators.batches import ATTEMPTS, Engine
from sgid.generators.denoising import load_diffusion
from sgid.generators.engine import draw_images, identity_of
from sgid.generators.packs import open_packs
from sgid.weighting import Weighting

IMAGES = tiny_models.picture_table(6)
PROMPTS = pa.Table.from_pylist(prompts_for(IMAGES))
HOW = replace(GENERATION, batch_size=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_diffusion(tiny_models.save_diffusion(tmp_path_factory.mktemp("pndm")))


@contextmanager
def opened(model, folder, *, shard="shard", generation=HOW, identity=None, weighting=None):
    with open_packs(folder, shard) as kept:
        yield Engine(model, NAME, generation, weighting or Weighting(), kept, identity or {})


def draw(model, folder, images=IMAGES, *, prompts=PROMPTS, **options) -> pa.Table:
    with opened(model, folder, **options) as made:
        return pa.concat_tables(draw_images(made, images, prompts))


@pytest.fixture
def batches(monkeypatch):
    """The sizes of all batches that the generator is given."""
    seen = []
    own = GENERATORS["img2img"]

    def counted(model, batch, sampling):
        seen.append(len(batch))
        return own(model, batch, sampling)

    monkeypatch.setitem(GENERATORS, "img2img", counted)
    return seen


def replaced(monkeypatch, change):
    """The generator, with `change(batch, drawn)` behind it."""
    own = GENERATORS["img2img"]
    monkeypatch.setitem(GENERATORS, "img2img", lambda model, batch, how: change(batch, own(model, batch, how)))


def test_a_second_run_draws_nothing_and_gives_the_same_table(model, tmp_path, batches):
    first = draw(model, tmp_path)
    drawn = len(batches)
    assert draw(model, tmp_path).equals(first)
    assert len(batches) == drawn == 3


def test_other_shards_find_what_one_shard_drew(model, tmp_path, batches):
    draw(model, tmp_path, IMAGES.slice(0, 4))
    del batches[:]
    whole = draw(model, tmp_path, shard="another")
    assert (batches, len(whole)) == ([2], 6)


def test_rows_come_in_the_order_of_ids_whatever_the_order_of_originals(model, tmp_path):
    turned = IMAGES.take(list(reversed(range(6))))
    assert draw(model, tmp_path / "a", turned).equals(draw(model, tmp_path / "b"))


@pytest.mark.parametrize(
    "change",
    [
        {"generation": replace(HOW, steps=5)},
        {"generation": replace(HOW, encoding="jpeg95")},
        {"generation": replace(HOW, output_size=16)},
        {"generation": replace(HOW, batch_size=3)},
        {"weighting": Weighting(restore_mean=False)},
        {"identity": {"model": "another"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_determines_a_picture_draws_it_anew(model, tmp_path, batches, change):
    draw(model, tmp_path)
    del batches[:]
    draw(model, tmp_path, **change)
    assert batches


def test_a_changed_original_or_prompt_is_drawn_anew(model, tmp_path, batches):
    draw(model, tmp_path)
    del batches[:]
    draw(model, tmp_path, tiny_models.picture_table(6, seed=1))
    assert sum(batches) == 6


def test_without_exact_batches_their_size_is_no_reason_to_draw_anew(model, tmp_path, batches):
    draw(model, tmp_path, generation=replace(HOW, exact=False))
    del batches[:]
    draw(model, tmp_path, generation=replace(HOW, exact=False, batch_size=5))
    assert batches == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_is_heeded_behind_a_batch_and_the_next_run_goes_on_from_there(model, tmp_path, monkeypatch, number):
    whole = draw(model, tmp_path / "calm")
    before = signal.getsignal(number)
    with monkeypatch.context() as patched:
        replaced(patched, lambda batch, drawn: signal.raise_signal(number) or drawn)
        sentence = rf"^stopped by {number.name}: 2 of 6 pictures are kept; run this again to go on$"
        with pytest.raises(InterruptedError, match=sentence):
            draw(model, tmp_path / "stopped")
    assert signal.getsignal(number) == before
    seen = []
    replaced(monkeypatch, lambda batch, drawn: seen.append(len(batch)) or drawn)
    assert draw(model, tmp_path / "stopped").equals(whole)
    assert sum(seen) == 4


def test_too_little_memory_halves_the_batch_and_goes_on(model, tmp_path, monkeypatch, caplog):
    sizes = []

    def tight(batch, drawn):
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return drawn

    replaced(monkeypatch, tight)
    table = draw(model, tmp_path, generation=replace(HOW, batch_size=4))
    assert sizes == [4, 2, 1, 1, 1, 1, 1, 1]
    assert len(table) == 6
    assert "4 pictures do not fit the device's memory; going on with 2 at once" in caplog.text


def test_one_picture_that_does_not_fit_is_refused_with_what_to_do(model, tmp_path, monkeypatch):
    def full(batch, drawn):
        raise torch.OutOfMemoryError("CUDA out of memory")

    replaced(monkeypatch, full)
    with pytest.raises(ValueError, match=r"^one picture alone does not fit the device's memory; draw at a lower"):
        draw(model, tmp_path)


def spoilt(batch, drawn, *, times: int, seen: dict):
    """The first picture of a batch comes out not finite, so often."""
    key = tuple(batch.originals[0].ravel()[:8])
    seen[key] = seen.get(key, 0) + 1
    return replace(drawn, flags=["nan" if seen[key] <= times else "", *drawn.flags[1:]])


def test_a_failed_picture_is_drawn_again_from_another_seed(model, tmp_path, monkeypatch):
    calm = draw(model, tmp_path / "calm", IMAGES.slice(0, 1)).to_pylist()[0]
    seen: dict = {}
    replaced(monkeypatch, lambda batch, drawn: spoilt(batch, drawn, times=1, seen=seen))
    row = draw(model, tmp_path / "spoilt", IMAGES.slice(0, 1)).to_pylist()[0]
    assert (row["attempts"], row["flag"], calm["attempts"]) == (2, "", 1)
    assert row["seed"] != calm["seed"]
    assert row["image"]["bytes"] != calm["image"]["bytes"]


def test_a_picture_that_fails_for_good_is_kept_with_its_flag_and_counted(model, tmp_path, monkeypatch):
    replaced(monkeypatch, lambda batch, drawn: replace(drawn, flags=["black"] * len(batch)))
    table = draw(model, tmp_path)
    assert table["flag"].to_pylist() == ["black"] * 6
    assert table["attempts"].to_pylist() == [ATTEMPTS] * 6


def test_a_damaged_picture_is_drawn_once_more_to_the_same_bytes(model, tmp_path, batches):
    whole = draw(model, tmp_path)
    pack = tmp_path / "shard.pack"
    data = pack.read_bytes()
    victim = whole["image"].to_pylist()[3]["bytes"]
    pack.write_bytes(data.replace(victim, bytes(len(victim))))
    del batches[:]
    assert draw(model, tmp_path).equals(whole)
    assert batches == [2]


def unguided(prompts: pa.Table, ids: set[str], **change) -> pa.Table:
    """Prompts of which some need no unconditional half."""
    rows = [row | (change if row["image_id"] in ids else {}) for row in prompts.to_pylist()]
    return pa.Table.from_pylist(rows, schema=prompts.schema)


@pytest.mark.parametrize("change", [{"guidance": 1.0}, {"weights": "[]"}], ids=["at a scale of 1", "under no prompt"])
def test_pictures_that_need_no_unconditional_half_make_batches_of_their_own(model, tmp_path, monkeypatch, change):
    halves = []

    def noted(batch, drawn):
        halves.append((len(batch), batch.empty_prompt is not None))
        return drawn

    replaced(monkeypatch, noted)
    ids = {"train/000", "train/002", "train/004"}
    some = unguided(PROMPTS, ids, **change)
    mixed = draw(model, tmp_path / "mixed", prompts=some)
    assert halves == [(2, True), (2, True), (2, False), (2, False)]
    alone = [draw(model, tmp_path / "alone", IMAGES.slice(row, 1), prompts=some) for row in range(6)]
    assert pa.concat_tables(alone).equals(mixed)


def test_instruct_pix2pix_is_always_guided(tmp_path_factory, tmp_path):
    editor = load_diffusion(tiny_models.save_diffusion(tmp_path_factory.mktemp("editor"), channels=8))
    some = unguided(PROMPTS, set(IMAGES["image_id"].to_pylist()), guidance=1.0)
    how = replace(HOW, generator="instruct-pix2pix")
    assert len(draw(editor, tmp_path, generation=how, prompts=some)) == 6


def test_a_full_disk_stops_the_shard_and_loses_nothing_that_was_committed(model, tmp_path, monkeypatch, batches):
    whole = draw(model, tmp_path / "calm")
    own, written = packs.write_whole, []

    def full(stream, data):
        if len(written) == 4:  # two pictures: of each its line and its bytes
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(len(data))
        own(stream, data)

    with monkeypatch.context() as patched:
        patched.setattr(packs, "write_whole", full)
        with pytest.raises(OSError, match=r"no space left in .*full; make room and run this again"):
            draw(model, tmp_path / "full")
    del batches[:]
    assert draw(model, tmp_path / "full").equals(whole)
    assert batches == [2, 2]


def test_an_image_without_a_prompt_is_refused_before_anything_is_drawn(model, tmp_path, batches):
    with opened(model, tmp_path) as made, pytest.raises(ValueError, match="1 images have no prompt, 'train/005' first"):
        list(draw_images(made, IMAGES, PROMPTS.slice(0, 5)))
    assert batches == []


def test_an_identity_names_weights_code_versions_and_device():
    identity = identity_of({"id": "x"}, "cpu")
    assert identity.keys() == {"model", "code", "packages", "device"}
    assert identity == identity_of({"id": "x"}, "cpu")
