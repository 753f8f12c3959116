import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from archive_server import PAGE, Mirror, mirror_of
from hypothesis import given, settings
from hypothesis import strategies as st

import sgid
from sgid.download import FRUITLESS_TRIES, RemoteFile, obtain
from sgid.transfer import RefusedError

NAME, PART = "pictures.tgz", ".pictures.tgz.part"
DATA = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
FETCH = """
import json, pathlib, sys
from sgid.download import RemoteFile, obtain
obtain(RemoteFile(**json.loads(sys.argv[1])), pathlib.Path(sys.argv[2]), patience=0.01)
"""


@pytest.fixture
def mirror():
    with contextlib.ExitStack() as servers:
        yield lambda data=DATA, **behaviour: servers.enter_context(mirror_of(NAME, data, **behaviour))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "archives").mkdir()
    return tmp_path / "archives"


def wanted(*mirrors: Mirror, data: bytes = DATA, **changes) -> RemoteFile:
    known = {"bytes": len(data), "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
    return RemoteFile(NAME, [mirror.url for mirror in mirrors], **known | changes)


def fetched(folder: Path, *mirrors: Mirror, **changes) -> bytes:
    """What the file holds once it is there, alone in its folder."""
    path = obtain(wanted(*mirrors, **changes), folder, patience=0.01)
    assert [path] == list(folder.iterdir())
    return path.read_bytes()


def refusal(folder: Path, *mirrors: Mirror, **changes) -> str:
    with pytest.raises(RefusedError, match=r"^pictures\.tgz \(.*\): no mirror gave it \(.*\); ask around$") as refused:
        obtain(wanted(*mirrors, **changes), folder, patience=0.01, advice="ask around")
    assert not (folder / NAME).exists()
    return str(refused.value)


@pytest.mark.parametrize("known", [{}, {"bytes": None}, {"md5": None}, {"sha256": None}])
def test_a_file_is_brought_under_its_name(folder, mirror, known):
    assert fetched(folder, mirror(), **known) == DATA


def test_a_file_is_brought_from_a_folder(folder, tmp_path):
    (tmp_path / "a copy.tgz").write_bytes(DATA)
    assert fetched(folder, Mirror((tmp_path / "a copy.tgz").as_uri())) == DATA


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


ADDRESSES = {
    "http://127.0.0.1:1/y": "Connection refused",
    "file:///no/y": "there is no file /no/y",
    "ftp://x/y": "'ftp' is no scheme that can be fetched (have: https, http, file)",
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_leads_nowhere_is_refused(folder, url):
    assert ADDRESSES[url] in refusal(folder, Mirror(url))


def test_a_file_without_a_mirror_is_refused(folder):
    with pytest.raises(RefusedError, match=r"^pictures\.tgz \(.*\): no mirror of it is known; ask around"):
        obtain(wanted(), folder, advice="ask around")


TROUBLES = {
    "busy": {"answers": [503, 429]},
    "cannot continue": {"drops": [200_000, 100_000], "ranges": False},
    "calls the archive gzipped": {"encoding": "x-gzip", "drops": [1000]},
    "breaks very often": {"drops": [9] * (FRUITLESS_TRIES + 1)},
    "is dead now and again": {"drops": [*[0] * (FRUITLESS_TRIES - 1), 9] * 2},
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_file_comes_whole_from_a_server_that(folder, mirror, trouble):
    assert fetched(folder, mirror(**TROUBLES[trouble])) == DATA


@pytest.mark.parametrize("length", [True, False])
def test_a_broken_connection_is_taken_up_where_it_broke(folder, mirror, length):
    here = mirror(drops=[100_000, 50_000, 1], length=length)
    assert fetched(folder, here) == DATA
    assert here.asked == ["", "bytes=100000-", "bytes=150000-", "bytes=150001-"]


def test_a_silent_server_is_asked_again_for_the_rest(folder, mirror, monkeypatch):
    monkeypatch.setattr("sgid.transfer.TIMEOUT", (5, 0.2))
    here = mirror(silences=[100_000])
    assert fetched(folder, here) == DATA
    assert here.asked == ["", "bytes=100000-"]


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


@pytest.mark.parametrize(("told", "sentence"), [(True, "100% of 0.3 MB"), (False, "0.3 MB")])
def test_the_log_tells_how_far_a_download_is(folder, mirror, monkeypatch, caplog, told, sentence):
    monkeypatch.setattr("sgid.transfer.REPORT_SECONDS", 0)
    with caplog.at_level("INFO", "sgid.transfer"):
        fetched(folder, mirror(length=told), bytes=None)
    assert re.search(rf"pictures\.tgz: {sentence}, [\d.,]+ MB/s", caplog.text)


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
    with pytest.raises(RefusedError, match=rf"pictures\.tgz {sentence}; delete it or put the right file there"):
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


def test_a_disk_too_small_is_told_before_the_first_byte(folder, mirror, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=299_999))
    with pytest.raises(OSError, match="300,000 bytes are needed and 299,999 free; make room and run this") as full:
        obtain(wanted(mirror()), folder)
    assert full.value.errno == errno.ENOSPC
    assert list(folder.iterdir()) == []


def test_a_part_that_is_replaced_makes_room_for_the_file(folder, mirror, monkeypatch):
    (folder / PART).write_bytes(DATA[:200_000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    assert fetched(folder, mirror(ranges=False)) == DATA


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount a disk of 1 MiB to fill")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a disk of 1 MiB cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("over", [100, 900_000])
def test_a_disk_that_fills_on_the_way_keeps_its_part_for_the_next_run(small_disk, mirror, over):
    data = np.random.default_rng(2).bytes(2_000_000)
    here = mirror(data, drops=[(1 << 20) + over], length=False)
    large = wanted(here, data=data, bytes=None)
    with pytest.raises(OSError, match=r"no space left in .* for \.pictures\.tgz\.part: .*; make room and run") as full:
        obtain(large, small_disk)
    assert full.value.errno == errno.ENOSPC
    assert not (small_disk / NAME).exists()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert obtain(large, small_disk).read_bytes() == data
    assert here.asked[-1] == f"bytes={1 << 20}-"


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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 600), max_size=8), st.integers(0, 2000) | st.binary(max_size=1500))
def test_wherever_it_breaks_and_whatever_was_left_the_file_is_whole(drops, left):
    data = DATA[:1000]
    with tempfile.TemporaryDirectory() as folder, mirror_of(NAME, data, drops=drops) as here:
        Path(folder, PART).write_bytes(DATA[:left] if isinstance(left, int) else left)
        assert obtain(wanted(here, data=data), Path(folder), patience=0).read_bytes() == data
