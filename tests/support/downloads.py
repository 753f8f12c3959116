"""A file to be downloaded, the mirrors that have it, and what becomes of it."""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import pytest
from archive_server import Mirror, mirror_of

from sgid.download import RemoteFile, obtain
from sgid.transfer import RefusedError

NAME, PART = "pictures.tgz", ".pictures.tgz.part"
DATA = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)


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
