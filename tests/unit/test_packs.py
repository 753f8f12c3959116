import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.generators.packs import open_packs, prune

PICTURES = {f"key{i}": (bytes([i]) * (50 + i), {"seed": i, "flag": ""}) for i in range(5)}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "noise-0.5"


def fill(folder, pictures=PICTURES, name="shard-0-of-2"):
    with open_packs(folder, name) as packs:
        packs.add(pictures)


def contents(folder, name="another"):
    with open_packs(folder, name) as packs:
        return {key: packs.read(key) for key in packs.places}


def test_pictures_come_back_with_their_notes_in_another_process_time(folder):
    fill(folder)
    assert contents(folder) == PICTURES


def test_pictures_are_found_whichever_pack_they_lie_in(folder):
    fill(folder, {"a": PICTURES["key0"]}, "shard-0-of-2")
    fill(folder, {"b": PICTURES["key1"]}, "shard-1-of-2")
    assert contents(folder).keys() == {"a", "b"}


@given(cut=st.integers(0, 2000))
def test_a_pack_that_was_cut_anywhere_keeps_its_whole_records_and_can_be_written_on(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("packs")
    fill(folder)
    pack = folder / "shard-0-of-2.pack"
    whole = pack.read_bytes()
    pack.write_bytes(whole[: min(cut, len(whole))])
    left = contents(folder)
    assert left.items() <= PICTURES.items()
    assert list(left) == list(PICTURES)[: len(left)]
    fill(folder)
    assert contents(folder) == PICTURES


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b'{"key": "x"}\n', b"not json\n", b"[1]\n"])
def test_what_is_no_record_ends_a_pack(folder, damage):
    fill(folder)
    with open(folder / "shard-0-of-2.pack", "ab") as stream:
        stream.write(damage)
    assert contents(folder) == PICTURES


def test_a_damaged_picture_is_forgotten_and_said(folder, caplog):
    fill(folder)
    pack = folder / "shard-0-of-2.pack"
    pack.write_bytes(pack.read_bytes().replace(PICTURES["key2"][0], b"x" * 52))
    with open_packs(folder, "another") as packs:
        with pytest.raises(KeyError):
            packs.read("key2")
        assert "key2" not in packs
        assert packs.read("key3") == PICTURES["key3"]
    assert "is damaged and will be drawn again" in caplog.text


def test_a_pack_that_another_process_writes_is_refused(folder):
    with (
        open_packs(folder, "shard"),
        pytest.raises(ValueError, match=r"shard\.pack: another process draws into it"),
        open_packs(folder, "shard"),
    ):
        pass


def test_a_full_disk_keeps_what_was_there_before(folder, monkeypatch):
    fill(folder)
    with open_packs(folder, "shard-0-of-2") as packs:

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(
            OSError, match=r"no space left in .*noise-0\.5; make room and run this again; what was drawn"
        ):
            packs.add({"new": (b"data", {})})
        assert "new" not in packs
    monkeypatch.undo()
    assert contents(folder) == PICTURES


WRITER = """
import sys, itertools
from pathlib import Path
from sgid.generators.packs import open_packs, prune
with open_packs(Path(sys.argv[1]), "shard") as packs:
    for number in itertools.count(len(packs.places)):
        packs.add({f"key{number}": (str(number).encode() * 2000, {"number": number})})
        print(number, flush=True)
"""


def test_what_was_committed_survives_a_kill_at_any_moment(folder):
    environment = os.environ | {"PYTHONPATH": "workflow_scripts"}
    committed = -1
    for attempt in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], env=environment, stdout=subprocess.PIPE, text=True
        )
        first = int(process.stdout.readline())
        assert first >= committed + 1
        time.sleep(0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        said = [line for line in process.communicate()[0].split("\n") if line]
        committed = int(said[-1]) if said else first
    found = contents(folder)
    assert {f"key{number}" for number in range(committed + 1)} <= found.keys()
    assert all(data == str(notes["number"]).encode() * 2000 for data, notes in found.values())


def test_pruning_removes_packs_of_finished_shards_and_keeps_the_others(tmp_path):
    drawn, tables = tmp_path / "drawn", tmp_path / "images"
    for rate, shard in (("0.3", 0), ("0.3", 1), ("0.5", 0), ("0.7", 0)):
        fill(drawn / "shapes/sgid" / f"noise-{rate}", name=f"shard-{shard}-of-2")
    for table in ("noise-0.3/shard-0-of-2", "noise-chosen/shard-0-of-2"):
        (tables / "shapes/sgid" / table).parent.mkdir(parents=True)
        (tables / "shapes/sgid" / f"{table}.parquet").touch()
    with open_packs(drawn / "shapes/sgid/noise-0.5", "shard-0-of-2"):
        sentence = prune(drawn, tables)
    left = sorted(str(path.relative_to(drawn / "shapes/sgid")) for path in drawn.rglob("*.pack"))
    # One is finished at the chosen rate; one is written just now; one is not finished.
    assert left == ["noise-0.3/shard-1-of-2.pack", "noise-0.5/shard-0-of-2.pack"]
    assert sentence.startswith(f"{drawn}: 2 packs of finished shards removed (")
