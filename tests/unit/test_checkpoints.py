"""Checkpoints: whole or not at all, believed only when verified, never another run's."""

import errno
import logging
import os

import pytest
import torch

from sgid import checkpoints
from sgid.checkpoints import Checkpoint

STATE = {"model": {"weight": torch.arange(1000.0)}, "counts": {"steps": 7, "losses": [0.5, 0.25]}, "best": None}


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "folder" / "seed-0.checkpoint", key="k" * 32)


def test_what_was_saved_is_loaded(checkpoint):
    checkpoint.save(STATE)
    loaded = checkpoint.load()
    assert torch.equal(loaded["model"]["weight"], STATE["model"]["weight"])
    assert (loaded["counts"], loaded["best"]) == (STATE["counts"], None)


def test_nothing_kept_is_no_state(checkpoint):
    assert checkpoint.load() is None
    checkpoint.remove()


def test_a_removed_checkpoint_is_gone(checkpoint):
    checkpoint.save(STATE)
    checkpoint.remove()
    assert checkpoint.load() is None
    assert list(checkpoint.path.parent.iterdir()) == []


@pytest.mark.parametrize("where", [0, 100, 2000, -1])
def test_a_damaged_byte_sets_the_file_aside_and_says_so(checkpoint, caplog, where):
    checkpoint.save(STATE)
    data = bytearray(checkpoint.path.read_bytes())
    data[where] ^= 1
    checkpoint.path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
    assert "is damaged; it is now seed-0.checkpoint.set-aside, and the training begins anew" in caplog.text
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["seed-0.checkpoint.set-aside"]


@pytest.mark.parametrize("kept", [0, 10, 64, 1500])
def test_a_file_cut_short_counts_as_damaged(checkpoint, kept):
    checkpoint.save(STATE)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:kept])
    assert checkpoint.load() is None


def test_another_runs_checkpoint_is_set_aside(checkpoint, caplog):
    Checkpoint(checkpoint.path, key="other").save(STATE)
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
    assert "is of another run" in caplog.text


def test_a_full_disk_is_one_sentence_and_leaves_the_earlier_state(checkpoint, monkeypatch):
    checkpoint.save(STATE)
    own, written = checkpoints.write_whole, []

    def filling(stream, data):
        written.append(len(data))
        if sum(written) > 2000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        own(stream, data)

    monkeypatch.setattr(checkpoints, "write_whole", filling)
    with pytest.raises(
        OSError, match=r"no space left in .*/folder for seed-0.checkpoint; make room and run this again"
    ):
        checkpoint.save({"model": torch.zeros(5000)})
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["seed-0.checkpoint"]
    assert torch.equal(checkpoint.load()["model"]["weight"], STATE["model"]["weight"])


def test_a_failing_save_of_another_kind_is_not_called_a_full_disk(checkpoint, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(RuntimeError, match="no such operator"):
        checkpoint.save(STATE)


def test_code_in_a_checkpoint_is_not_run(checkpoint):
    class Command:
        def __reduce__(self):
            return os.system, ("touch /tmp/never",)

    checkpoint.save({"model": Command()})
    with pytest.raises(Exception, match="Weights only load failed"):
        checkpoint.load()
