"""Weights through Snakemake from a hub on loopback: what a build needs and no more, kills, folders of one's own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from configuration_files import FILES, read_config
from hub_server import FakeHub, files_under, hub_serving
from snake import ROOT, copy_of_the_repository, job_counts, snakemake

from sgid.matrix import Matrix
from sgid.model_needs import models_needed

MINIATURE = ROOT / "resources/miniature"
ONE_TABLE = {"title": "t", "datasets": ["pets"], "backbones": ["resnet50"], "groups": {"": ["sgid"]}}
NEEDED = ("blip", "clip", "stable_diffusion")
VIT = "vit_in21k"
TINY = {name: name for name in NEEDED} | {VIT: "vit"}  # the folder of each among the miniature's
FETCHES = re.compile(r"resources/models/(\w+)/model\.json")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def hub(clone, monkeypatch):
    """The tiny models under ids of the test; a user's environment outside make, with that hub's address."""
    for left in ("resources/models", ".snakemake"):
        shutil.rmtree(clone / left, ignore_errors=True)
    with hub_serving() as serving:
        for name, tiny in TINY.items():
            serving.add(f"tiny/{name}", files_under(MINIATURE / tiny) | {"pytorch_model.bin": b"pickled"})
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        monkeypatch.setenv("HF_ENDPOINT", serving.address)
        yield serving


def overlay(clone: Path, models: dict[str, dict], **table) -> str:
    """One table as the build, and the tiny repositories in place of the configured ones."""
    tiny = {name: {"id": f"tiny/{name}", "revision": "main", "sha256": None, "successors": []} for name in TINY}
    for name, changes in models.items():
        tiny[name] |= changes
    content = {"build": ["one"], "tables": {"one": ONE_TABLE | table}, "models": tiny}
    (clone / "overlay.yaml").write_text(yaml.safe_dump(content))
    return "overlay.yaml"


def fetch(clone: Path, *words: str, **models: dict):
    """`snakemake models` for a build that needs three of them; a model by name: what its entry has besides."""
    return snakemake("models", "--configfile", overlay(clone, models), "--cores", "2", *words, cwd=clone)


def fetch_vit(clone: Path, *words: str, **changes):
    """The same for a build that needs one."""
    name = overlay(clone, {VIT: changes}, backbones=["vit"], groups={"": ["re"]})
    return snakemake("models", "--configfile", name, "--cores", "1", *words, cwd=clone)


def asked_ids(hub: FakeHub) -> set[str]:
    return {re.sub(r"^\w+ /(?:api/models/|cdn/)?", "", each).split("/")[1] for each in hub.asked}


def test_models_fetches_what_the_build_needs_and_nothing_else_once(clone, hub):
    call = fetch(clone)
    assert call.code == 0, call.text
    assert asked_ids(hub) == set(NEEDED)
    assert sorted(path.parent.name for path in clone.glob("resources/models/*/model.json")) == sorted(NEEDED)
    assert not list(clone.glob("resources/models/**/*.bin"))
    hub.asked.clear()
    again = fetch(clone)
    assert "Nothing to be done" in again.text
    assert hub.asked == []
    # A mirror, or a successor, is no reason to fetch again; another revision is.
    assert "Nothing to be done" in fetch(clone, "-n", blip={"successors": [{"id": "a/b", "revision": "main"}]}).text
    assert job_counts(fetch(clone, "-n", blip={"revision": "v2"}).text)["fetch_model"] == 1


def test_a_killed_fetch_keeps_its_files_and_goes_on(clone, hub):
    hub.how.delay = 0.02
    command = [sys.executable, "-m", "snakemake", "models", "--configfile", overlay(clone, {}), "--cores", "2"]
    part = clone / "resources/models/stable_diffusion/unet/.diffusion_pytorch_model.safetensors.part"
    with subprocess.Popen(command, cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL) as job:
        while job.poll() is None and not (part.is_file() and part.stat().st_size > 100_000):
            time.sleep(0.02)
        os.killpg(job.pid, signal.SIGKILL)
    hub.how.delay = 0
    call = fetch(clone, "--nolock", "--rerun-incomplete")
    assert call.code == 0, call.text
    assert any(asked.startswith("bytes=") for asked in hub.how.requests["unet/diffusion_pytorch_model.safetensors"])
    for name in NEEDED:
        held = files_under(clone / "resources/models" / name)
        kept = {
            file: data for file, data in held.items() if not Path(file).name.startswith(".") and file != "model.json"
        }
        assert kept.items() <= files_under(MINIATURE / name).items()


def test_offline_one_sentence_tells_what_to_do(clone, hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    call = fetch_vit(clone)
    assert call.code != 0
    sentence = f"OfflineError: models.{VIT}: HF_HUB_OFFLINE is set, so the hub is not asked; missing: all of it; copy"
    assert sentence in call.text
    assert hub.asked == []


def test_a_copy_below_a_root_serves_offline(clone, hub, monkeypatch, tmp_path):
    assert fetch_vit(clone).code == 0
    shutil.move(clone / "resources/models", tmp_path / "models")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("SGID_RESOURCES_ROOT", str(tmp_path))
    call = fetch_vit(clone)
    assert call.code == 0, call.text
    assert (
        clone / f"resources/models/{VIT}/model.safetensors"
    ).readlink() == tmp_path / f"models/{VIT}/model.safetensors"


def test_a_folder_of_ones_own_is_described_without_a_record_in_it(clone, hub, tmp_path):
    (tmp_path / "own").mkdir()
    weights = shutil.copy(MINIATURE / "vit/model.safetensors", tmp_path / "own")
    own = {"folder": str(tmp_path / "own"), "library": "timm"}
    call = fetch_vit(clone, **own)
    assert call.code == 0, call.text
    assert hub.asked == []
    assert (clone / f"resources/models/{VIT}/model.safetensors").readlink() == Path(weights)
    os.utime(weights, (0, 0))
    assert job_counts(fetch_vit(clone, "-n", **own).text)["fetch_model"] == 1


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("/no/where", "there is no folder /no/where; correct the path"),
        ("config", "config has no model.safetensors; put"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_while_snakemake_plans(clone, hub, folder, sentence):
    call = fetch_vit(clone, "-n", folder=folder)
    assert call.code != 0
    assert f"models.{VIT}.folder: {sentence}" in call.text


BUILDS = {
    "nothing drawn": {"groups": {"": ["re"]}, "backbones": ["vit"]},
    "a rate chosen with a pre-trained network": {"selection": "vit"},
    "a rate chosen for another recipe": {"groups": {"": ["sgid_beam"]}, "selection": "clip_vit"},
    "text, sentences and a redrawn set": {"groups": {"": ["text2img_sgid"]}},
    "edited by instruction": {"groups": {"": ["sgid_ip"]}, "selection": "vit"},
    "every rate shown, none chosen": {
        "figure": {"kind": "grid", "rows": ["sgid_guidance_1"], "count": 1},
        "selection": "vit",
    },
    "only perturbed pictures measured": {
        "figure": {"kind": "similarity", "rows": ["re"], "replicates": 1, "per_class": 1},
        "selection": "vit",
    },
    "shown by another figure": {"figure": {"kind": "plane", "rows": ["sgid_ip"], "measures": "figure3"}},
}


@pytest.mark.parametrize("build", BUILDS)
def test_models_are_those_that_the_planned_jobs_read(build, tmp_path):
    changes = dict(BUILDS[build])
    content = {"build": ["one"], "selection": {"backbone": changes.pop("selection", "resnet50")}}
    if "figure" in changes:
        content["figures"] = {"one": {"title": "t", "datasets": ["pets"]} | changes["figure"]}
    else:
        content["tables"] = {"one": ONE_TABLE | changes}
    path = tmp_path / "build.yaml"
    path.write_text(yaml.safe_dump(content))
    call = snakemake("all", "--summary", "--configfile", str(path))
    assert call.code == 0, call.text
    config = read_config(*FILES)
    for key, value in content.items():
        config[key] = value if key == "build" else config[key] | value
    assert set(FETCHES.findall("\n".join(models_needed(Matrix(config))))) == set(FETCHES.findall(call.text))
