"""A hub on loopback with one small model, and what becomes of a fetch from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hub_server import FakeHub, hub_serving

import sgid
from sgid.transfer import RefusedError
from sgid.weights import fetch_model

NAME = "owner/model"
PICKLE = b"\x80\x04N."  # what a pickled file begins like
WEIGHTS = np.random.default_rng(0).bytes(300_000)
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "pytorch_model.bin": PICKLE, "code.py": b""}
KEPT = {"config.json": b"{}", "model.safetensors": WEIGHTS}
FETCH = """
import json, pathlib, sys
from sgid.weights import fetch_model
print(json.dumps(fetch_model("blip", json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), patience=0.01)))
"""


@pytest.fixture
def online(monkeypatch):
    """`make` exports HF_HUB_OFFLINE, which the client reads as it is imported; no token of the user's goes anywhere."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)  # it would ask the real hub
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")


@pytest.fixture
def hub(online):
    with hub_serving() as serving:
        serving.add(NAME, FILES)
        yield serving


@pytest.fixture
def model_folder(tmp_path):
    return tmp_path / "resources" / "models" / "blip"


def entry(**changes) -> dict:
    return {"id": NAME, "revision": "main"} | changes


def fetched(hub: FakeHub, folder: Path, *, roots=(), **changes) -> dict:
    return fetch_model("blip", entry(**changes), folder, roots=roots, endpoint=hub.address, patience=0.01)


def refusal(hub: FakeHub, folder: Path, **changes) -> str:
    with pytest.raises(RefusedError, match=r"^models\.blip: ") as refused:
        fetched(hub, folder, **changes)
    return str(refused.value)


def held(folder: Path) -> dict[str, bytes]:
    """What a loader finds in a folder."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def in_a_process(hub: FakeHub, folder: Path, *, offline: str = "0", **changes) -> subprocess.Popen:
    environment = os.environ | {
        "PYTHONPATH": str(Path(sgid.__file__).parents[1]),
        "HF_ENDPOINT": hub.address,
        "HF_HUB_OFFLINE": offline,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", FETCH, json.dumps(entry(**changes)), str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
