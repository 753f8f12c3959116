"""A file is verified before it gets its name; mirrors in order, parts continued, one process at a time."""

import dataclasses
import fcntl
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from archive_server import PAGE
from downloads import DATA, NAME, OTHER, PART, fetched, refusal, wanted

import sgid
from sgid.download import FRUITLESS_TRIES, obtain
from sgid.transfer import RefusedError

FETCH = """
import json, pathlib, sys
from sgid.download import RemoteFile, obtain
obtain(RemoteFile(**json.loads(sys.argv[1])), pathlib.Path(sys.argv[2]), patience=0.01)
"""


@pytest.mark.parametrize("known", [{}, {"bytes": None}, {"md5": None}, {"sha256": None}])
def test_a_file_is_brought_under_its_name(folder, mirror, known):
    assert fetched(folder, mirror(), **known) == DATA


def test_what_is_there_is_verified_and_no_mirror_asked(folder, mirror):
    here = mirror()
    assert fetched(folder, here) == fetched(folder, here) == DATA
    assert here.asked == [""]


REFUSALS = {
    "a flipped byte": (DATA[:-1] + b"?", {}, {}, r"its sha256 is \w{64} where \w{64} is expected; it is not the file"),
    "an md5": (OTHER, {}, {"sha256": None}, r"its md5 is \w{32} where \w{32} is expected; it is not the file"),
    "too short": (DATA[:200_000], {}, {}, "pictures.tgz has 200,000 bytes there where 300,000 are expected"),
    "too long": (DATA + b"?", {}, {}, "pictures.tgz has 300,001 bytes there where 300,000 are expected"),
    "too long, untold": (DATA + b"?", {"length": False}, {}, "has 300,001 bytes where 300,000 are expected"),
    "a page": (DATA, {"page": True}, {}, "an HTML page came in place of the file"),
    "a page as a gzip": (DATA, {"page": True, "honest_page": False}, {}, f"has {len(PAGE)} bytes there where 300,000"),
    "a page of any size": (DATA, {"page": True, "honest_page": False}, {"bytes": None}, "an HTML page came in place"),
    "nothing": (None, {}, {}, "the server answers 404 Not Found"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_the_file_is_refused_and_nothing_stays(folder, mirror, case):
    data, behaviour, known, sentence = REFUSALS[case]
    with pytest.raises(RefusedError, match=sentence):
        obtain(wanted(mirror(data, **behaviour), **known), folder, patience=0.01)
    assert list(folder.iterdir()) == []


def test_a_refusal_tells_the_file_its_size_and_hash_each_mirror_and_what_to_do(folder, mirror):
    one, two = mirror(OTHER), mirror(None)
    sentence = refusal(folder, one, two)
    assert sentence.startswith(f"{NAME} (300,000 bytes, sha256 {hashlib.sha256(DATA).hexdigest()}): ")
    assert f"{one.url}: pictures.tgz: its sha256" in sentence
    assert f"{two.url}: the server answers 404" in sentence


def test_a_file_without_a_mirror_is_refused(folder):
    with pytest.raises(RefusedError, match=r"^pictures\.tgz \(.*\): no mirror of it is known; ask around"):
        obtain(wanted(), folder, advice="ask around")


def test_a_server_that_stays_busy_is_given_up(folder, mirror):
    here = mirror(answers=[503] * 100)
    assert "the server answers 503 Service Unavailable" in refusal(folder, here)
    assert len(here.asked) == FRUITLESS_TRIES


def test_the_second_mirror_gives_what_the_first_does_not_have(folder, mirror):
    assert fetched(folder, mirror(OTHER), mirror()) == DATA


def test_the_second_mirror_continues_what_the_first_began(folder, mirror):
    second = mirror()
    assert fetched(folder, mirror(drops=[100_000] + [0] * 100), second) == DATA
    assert second.asked == ["bytes=100000-"]


@pytest.mark.parametrize("known", [{}, {"bytes": None}])
@pytest.mark.parametrize("left", [OTHER[:1000], OTHER, DATA + b"?"], ids=["wrong", "wrong and whole", "too long"])
def test_a_part_that_is_no_use_is_fetched_anew(folder, mirror, left, known):
    (folder / PART).write_bytes(left)
    assert fetched(folder, mirror(), **known) == DATA


@pytest.mark.parametrize("known", [{}, {"bytes": None}])
def test_a_part_that_is_whole_is_kept(folder, mirror, known):
    (folder / PART).write_bytes(DATA)
    here = mirror()
    assert fetched(folder, here, **known) == DATA
    assert "" not in here.asked


@pytest.mark.parametrize("data", [None, DATA[:500], DATA[:2000]], ids=["404", "shorter", "longer"])
def test_a_part_outlives_a_mirror_without_the_file(folder, mirror, data):
    (folder / PART).write_bytes(DATA[:1000])
    found = f"has {len(data):,} bytes there" if data else "answers 404"
    assert found in refusal(folder, mirror(data))
    assert (folder / PART).read_bytes() == DATA[:1000]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [(b"mine", "has 4 bytes where 300,000 are expected"), (PAGE, "is an HTML page, not the file of that name")],
)
def test_a_wrong_file_that_is_there_is_refused_and_not_overwritten(folder, mirror, found, sentence):
    (folder / NAME).write_bytes(found)
    with pytest.raises(RefusedError, match=rf"pictures\.tgz {sentence}; delete it and run this again"):
        obtain(wanted(mirror()), folder)
    assert (folder / NAME).read_bytes() == found


def test_a_part_that_another_process_holds_is_left_to_it(folder, mirror):
    with open(folder / PART, "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert f"another process is fetching {folder / PART}; wait for it" in refusal(folder, mirror())


def test_a_part_that_another_process_has_just_finished_is_left_to_it(folder, mirror, monkeypatch):
    lock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda *args: (os.replace(folder / PART, folder / "done"), lock(*args)))
    assert "another process is fetching" in refusal(folder, mirror())


def test_a_download_that_is_killed_ten_times_ends_right(folder, mirror):
    data, chance = DATA * 4, random.Random(0)
    here = mirror(data, delay=0.05)
    command = [sys.executable, "-c", FETCH, json.dumps(dataclasses.asdict(wanted(here, data=data))), str(folder)]
    paths = os.environ | {"PYTHONPATH": str(Path(sgid.__file__).parents[1])}
    for killed in range(10):
        with subprocess.Popen(command, env=paths) as job:
            while job.poll() is None and len(here.asked) == killed:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.2))
            job.kill()
        assert job.returncode == -signal.SIGKILL
        assert not (folder / NAME).exists()
    here.how.delay = 0
    assert fetched(folder, here, data=data) == data
    assert len(set(here.asked)) > 3
