"""One transfer: servers that break, fall silent or do not exist, and disks that are full."""

import errno
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from archive_server import Mirror, mirror_of
from downloads import DATA, NAME, PART, fetched, refusal, wanted
from hypothesis import given, settings
from hypothesis import strategies as st

from sgid.download import FRUITLESS_TRIES, obtain


def test_a_file_is_brought_from_a_folder(folder, tmp_path):
    (tmp_path / "a copy.tgz").write_bytes(DATA)
    assert fetched(folder, Mirror((tmp_path / "a copy.tgz").as_uri())) == DATA


ADDRESSES = {
    "http://127.0.0.1:1/y": "no connection to 127.0.0.1",
    "http://no-such-host.invalid/y": "the host no-such-host.invalid is not known here; is there internet?",
    "file:///no/y": "there is no file /no/y",
    f"file:///{'y' * 300}": "y cannot be read (File name too long)",
    "ftp://x/y": "'ftp' is no scheme that can be fetched (have: https, http, file)",
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_leads_nowhere_is_refused(folder, url):
    assert ADDRESSES[url] in refusal(folder, Mirror(url))


def test_a_file_that_may_not_be_read_leads_to_the_next_mirror(folder, mirror, tmp_path, monkeypatch):
    def forbidden(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "secret").write_bytes(DATA)
    secret = Mirror((tmp_path / "secret").as_uri())
    monkeypatch.setattr("sgid.transfer.open", forbidden, raising=False)
    assert f"{tmp_path}/secret cannot be read (Permission denied)" in refusal(folder, secret)
    assert fetched(folder, secret, mirror()) == DATA


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


@pytest.mark.parametrize(("told", "sentence"), [(True, "100% of 0.3 MB"), (False, "0.3 MB")])
def test_the_log_tells_how_far_a_download_is(folder, mirror, monkeypatch, caplog, told, sentence):
    monkeypatch.setattr("sgid.transfer.REPORT_SECONDS", 0)
    with caplog.at_level("INFO", "sgid.transfer"):
        fetched(folder, mirror(length=told), bytes=None)
    assert re.search(rf"pictures\.tgz: {sentence}, [\d.,]+ MB/s", caplog.text)


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


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 600), max_size=8), st.integers(0, 2000) | st.binary(max_size=1500))
def test_wherever_it_breaks_and_whatever_was_left_the_file_is_whole(drops, left):
    data = DATA[:1000]
    with tempfile.TemporaryDirectory() as folder, mirror_of(NAME, data, drops=drops) as here:
        Path(folder, PART).write_bytes(DATA[:left] if isinstance(left, int) else left)
        assert obtain(wanted(here, data=data), Path(folder), patience=0).read_bytes() == data
