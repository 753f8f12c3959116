"""Weights from a hub on loopback by huggingface_hub's own client, then read by the loaders that the stages use."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hub_server import TOKEN, FakeHub, Repository, commit_of, hub_serving
from real_layouts import (
    PICKLE,
    blip_repository,
    clip_repository,
    diffusion_repository,
    t5_repository,
    vit_repository,
)

import sgid
from sgid.backbones import Backbone, build_backbone
from sgid.captions import load_captioner
from sgid.download import FRUITLESS_TRIES
from sgid.generators.denoising import load_diffusion
from sgid.runtime import write_json
from sgid.sentences import load_writer
from sgid.similarity import load_clip
from sgid.transfer import RefusedError
from sgid.weights import PLAN, fetch_model

NAME = "owner/model"
VIT = ("vit_tiny_patch16_224", {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2})
WEIGHTS = np.random.default_rng(0).bytes(300_000)
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "pytorch_model.bin": PICKLE, "code.py": b""}
KEPT = {"config.json": b"{}", "model.safetensors": WEIGHTS}
FETCH = """
import json, pathlib, sys
from sgid.weights import fetch_model
print(json.dumps(fetch_model("blip", json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), patience=0.01)))
"""


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """`make` exports HF_HUB_OFFLINE, which the client reads as it is imported; no token of the user's goes anywhere."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)  # it would ask the real hub
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")


@pytest.fixture
def hub():
    with hub_serving() as serving:
        serving.add(NAME, FILES)
        yield serving


@pytest.fixture
def folder(tmp_path):
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


def load_vit(record: Path):
    shape = {"name": VIT[0], "options": VIT[1], "exchange_after": "patch_embed", "weights": "vit", "library": "timm"}
    view = {"resize": 32, "crop": 32, "size": 32, "mean": [0.5] * 3, "std": [0.5] * 3}
    recipe = {"optimizer": "adamw", "learning_rate": 0.1, "weight_decay": 0.0, "epochs": 1, "batch_size": 8}
    backbone = Backbone.from_config(shape | {"view": view, "recipe": recipe})
    return build_backbone(backbone, 3, weights_folder=record.parent, seed=0)


def load_tower(record: Path):
    return load_clip(record).model.visual


KINDS = {
    "blip": ("transformers", blip_repository, load_captioner),
    "clip": ("open_clip", clip_repository, load_tower),
    "t5": ("transformers", t5_repository, load_writer),
    "vit": ("timm", lambda path: vit_repository(path, *VIT), load_vit),
    "stable_diffusion": ("diffusers", diffusion_repository, load_diffusion),
    "instruct_pix2pix": ("diffusers", lambda path: diffusion_repository(path, channels=8), load_diffusion),
}
FETCHED = {
    "blip": [
        *("config.json", "generation_config.json", "model.safetensors", "preprocessor_config.json"),
        *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    ],
    "clip": ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json", "tokenizer_config.json"],
    "t5": ["config.json", "model.safetensors", "special_tokens_map.json", "spiece.model", "tokenizer_config.json"],
    "vit": ["config.json", "model.safetensors"],
    "stable_diffusion": [
        *("feature_extractor/preprocessor_config.json", "model_index.json", "scheduler/scheduler_config.json"),
        *("text_encoder/config.json", "text_encoder/model.safetensors"),
        *("tokenizer/merges.txt", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json"),
        *("unet/config.json", "unet/diffusion_pytorch_model.safetensors"),
        *("vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
    ],
}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return {kind: make(tmp_path_factory.mktemp(kind)) for kind, (_, make, _) in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_fetched_is_what_the_stages_load_and_nothing_else(kind, repositories, hub, folder):
    library, _, load = KINDS[kind]
    hub.add(NAME, repositories[kind])
    record = fetched(hub, folder, library=library)
    assert sorted(hub.fetched) == sorted(record["files"]) == sorted(held(folder))
    assert sorted(record["files"]) == FETCHED.get(kind, FETCHED["stable_diffusion"])
    write_json(record, folder / "model.json")
    assert load(folder / "model.json")


def test_a_tokenizer_that_is_only_a_sentencepiece_model_is_read(repositories, hub, folder):
    hub.add(NAME, repositories["t5"])
    fetched(hub, folder)
    _, tokenizer = load_writer(folder / "model.json")
    assert tokenizer.decode(tokenizer("a small circle").input_ids, skip_special_tokens=True) == "a small circle"


def test_the_library_is_told_by_the_files_where_none_is_configured(repositories, hub, folder):
    for kind in ("stable_diffusion", "clip", "blip"):
        hub.add(f"owner/{kind}", repositories[kind])
        record = fetched(hub, folder.parent / kind, id=f"owner/{kind}")
        assert (record["library"], sorted(record["files"])) == (KINDS[kind][0], FETCHED[kind])


def test_a_variant_is_kept_under_the_names_that_loaders_read(repositories, hub, folder):
    hub.add(NAME, repositories["stable_diffusion"])
    record = fetched(hub, folder, variant="fp16")
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in hub.fetched
    assert sorted(record["files"]) == sorted(held(folder)) == FETCHED["stable_diffusion"]


def test_the_record_tells_what_the_files_are(hub, folder):
    assert fetched(hub, folder) == {
        "id": NAME,
        "commit": commit_of(FILES),
        "revision": "main",
        "library": "transformers",
        "variant": None,
        "licence": "mit",
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in KEPT.items()
        },
        "miniature": False,
    }


def test_a_model_without_a_licence_has_none_in_its_record(hub, folder):
    hub.add(NAME, FILES, licence=None)
    assert fetched(hub, folder)["licence"] is None


def test_what_is_whole_is_not_fetched_again_and_gives_an_equal_record(hub, folder):
    first = fetched(hub, folder)
    hub.asked.clear()
    assert fetched(hub, folder) == first
    assert hub.asked == []


def test_a_branch_keeps_the_commit_that_it_stood_for_at_the_first_fetch(hub, folder):
    first = fetched(hub, folder)
    (folder / "model.safetensors").unlink()
    hub.repositories[NAME] = Repository({"main": FILES | {"config.json": b"{ }"}, "old": FILES})
    assert fetched(hub, folder) == first
    assert held(folder) == KEPT


def test_another_revision_replaces_the_files_and_removes_those_that_it_lacks(hub, folder):
    older = FILES | {"tokenizer.json": b"{}", "config.json": b"{ }"}
    hub.repositories[NAME] = Repository({"main": FILES, "older": older})
    fetched(hub, folder, revision="older")
    hub.how.requests.clear()
    record = fetched(hub, folder, revision=commit_of(FILES))
    assert record["revision"] == record["commit"] == commit_of(FILES)
    assert held(folder) == KEPT
    assert not hub.how.requests  # the weights are the same


def test_a_conversion_may_be_named_as_a_revision(hub, folder):
    hub.repositories[NAME] = Repository({"main": {"config.json": b"{}"}, "refs/pr/3": FILES})
    assert fetched(hub, folder, revision="refs/pr/3")["commit"] == commit_of(FILES)


def test_a_broken_connection_is_taken_up_where_it_broke(hub, folder):
    hub.how.drops = [100_000, 50_000]
    fetched(hub, folder)
    assert hub.how.requests["model.safetensors"] == ["", "bytes=100000-", "bytes=150000-"]
    assert held(folder) == KEPT


def test_a_busy_hub_is_asked_again(hub, folder):
    hub.answers, hub.how.answers = [503, 429], [503]
    fetched(hub, folder)
    assert held(folder) == KEPT


def test_a_hub_that_stays_busy_is_given_up_with_what_is_missing(hub, folder):
    fetched(hub, folder)
    (folder / "model.safetensors").unlink()
    hub.answers = [503] * 100
    with pytest.raises(
        OSError, match=r"^models\.blip: the hub answers 503 for owner/model; missing: model\.safetensors;"
    ):
        fetched(hub, folder)
    assert len(hub.answers) == 100 - FRUITLESS_TRIES


def test_a_killed_fetch_goes_on_in_the_next_run_with_the_commit_that_it_began(hub, folder):
    hub.how.delay = 0.1
    with in_a_process(hub, folder) as job:
        part = folder / ".model.safetensors.part"
        while job.poll() is None and not (part.is_file() and part.stat().st_size > 50_000):
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
    assert job.returncode == -signal.SIGKILL
    assert "model.safetensors" not in held(folder)
    hub.how.delay = 0
    hub.repositories[NAME] = Repository({"main": {"config.json": b"new"}, "old": FILES})
    assert fetched(hub, folder)["commit"] == commit_of(FILES)
    assert held(folder) == KEPT
    assert hub.how.requests["model.safetensors"][-1].startswith("bytes=")


def test_two_processes_at_once_fetch_each_file_once(hub, folder):
    hub.how.delay = 0.05
    with in_a_process(hub, folder) as one, in_a_process(hub, folder) as other:
        records = [job.communicate()[0] for job in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0]
    assert records[0] == records[1]
    assert hub.how.requests["model.safetensors"] == [""]


@pytest.mark.parametrize("name", KEPT)
def test_a_file_with_another_hash_is_refused_and_removed(hub, folder, name):
    hub.repositories[NAME].wrong = {name}
    sentence = refusal(hub, folder)
    assert re.search(rf"owner/model at main: {name}: its (sha256|git blob id) is \w+ where \w+ is expected; ", sentence)
    assert sentence.endswith("name a folder of your own as models.blip.folder")
    assert name not in held(folder)
    hub.repositories[NAME].wrong = set()
    fetched(hub, folder)
    assert held(folder) == KEPT


def test_a_damaged_file_is_fetched_anew(hub, folder):
    fetched(hub, folder)
    (folder / "model.safetensors").write_bytes(WEIGHTS[:-1] + b"?")
    fetched(hub, folder)
    assert held(folder) == KEPT


PINS = {name: hashlib.sha256(data).hexdigest() for name, data in KEPT.items()}


def test_files_of_the_configured_hashes_are_taken(hub, folder):
    assert fetched(hub, folder, sha256=PINS)["files"]["config.json"]["sha256"] == PINS["config.json"]


@pytest.mark.parametrize("name", KEPT)
def test_the_configured_hash_decides(hub, folder, name):
    assert re.search(rf"{name}.* sha256 .*{PINS[name]}.*{'0' * 64}", refusal(hub, folder, sha256={name: "0" * 64}))
    assert name not in held(folder)
    assert not hub.how.requests  # what the hub tells of large files is enough to refuse them


def test_configured_hashes_can_be_taken_back(hub, folder):
    fetched(hub, folder, sha256=None)
    assert held(folder) == KEPT


def test_a_hash_of_a_file_that_is_not_needed_is_refused(hub, folder):
    sentence = refusal(hub, folder, sha256={"pytorch_model.bin": "0" * 64})
    assert "models.blip.sha256: 'pytorch_model.bin' is not fetched (have: model.safetensors, config.json)" in sentence


def test_a_model_without_safetensors_is_refused_before_any_download(hub, folder):
    hub.add(NAME, {name: data for name, data in FILES.items() if name != "model.safetensors"})
    sentence = refusal(hub, folder)
    assert "it has no model.safetensors (it has pytorch_model.bin, pickled, which is never fetched" in sentence
    assert "refs/pr/N" in sentence
    assert hub.fetched == []


def test_the_next_successor_serves_where_an_id_is_gone(hub, folder, caplog):
    record = fetched(
        hub,
        folder,
        id="owner/gone",
        successors=[{"id": "owner/too", "revision": "v1"}, {"id": NAME, "revision": "main"}],
    )
    assert (record["id"], record["commit"]) == (NAME, commit_of(FILES))
    assert f"owner/too at v1: there is no {hub.address}/owner/too, or it is private" in caplog.text


def test_a_fetch_that_a_successor_began_goes_on_with_it(hub, folder):
    sources = {"id": "owner/gone", "successors": [{"id": NAME, "revision": "main"}]}
    first = fetched(hub, folder, **sources)
    (folder / "config.json").unlink()
    hub.asked.clear()
    assert fetched(hub, folder, **sources) == first
    assert not [each for each in hub.asked if "owner/gone" in each]


def test_an_id_that_nobody_has_is_refused(hub, folder):
    sentence = refusal(hub, folder, id="owner/nothing")
    assert f"owner/nothing at main: there is no {hub.address}/owner/nothing, or it is private (then set" in sentence


def test_a_revision_that_is_not_there_is_refused(hub, folder):
    assert f"{NAME} has no revision v9 (have: {hub.address}/{NAME}/commits/main)" in refusal(hub, folder, revision="v9")


@pytest.mark.parametrize("token", ["", "hf_wrong"])
def test_a_gated_model_tells_where_to_accept_its_licence(hub, folder, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    hub.add(NAME, FILES, gated=True)
    sentence = refusal(hub, folder)
    assert f"{NAME} is given only to who accepts its licence: accept it at {hub.address}/{NAME} and set HF_" in sentence


def test_a_token_opens_a_gated_model_and_is_told_to_no_other_host(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add(NAME, FILES, gated=True)
    fetched(hub, folder)
    assert held(folder) == KEPT
    assert hub.tokens_at_cdn == []


def test_a_refusal_without_a_reason_tells_what_it_may_mean(hub, folder):
    hub.answers = [403]
    assert f"the hub answers 403 for {NAME}, as it does for what is not there, private or gated" in refusal(hub, folder)


def test_a_page_in_place_of_the_hub_is_refused(hub, folder, monkeypatch):
    monkeypatch.setattr("hub_server.HubHandler.tell", lambda self, *_: self.answer(200, b"<html>Log in</html>"))
    assert f"what {hub.address} says of {NAME} is not a hub's answer" in refusal(hub, folder)


FALSE_ANSWERS = {
    "another commit": ({"sha": "f" * 40}, "answers with commit f{40}, which is not the one asked for"),
    "no sizes": ({"siblings": [{"rfilename": "config.json"}]}, "tells neither size nor hash of owner/model's config"),
}


@pytest.mark.parametrize("case", FALSE_ANSWERS)
def test_a_hub_that_does_not_tell_what_it_has_is_refused(hub, folder, monkeypatch, case):
    changes, sentence = FALSE_ANSWERS[case]
    told = {"id": NAME, "sha": commit_of(FILES), "siblings": []} | changes
    monkeypatch.setattr("hub_server.HubHandler.tell", lambda self, *_: self.answer(200, json.dumps(told).encode()))
    assert re.search(sentence, refusal(hub, folder, revision=commit_of(FILES)))


def test_a_hub_out_of_reach_is_told_with_what_is_missing_and_what_to_do(folder):
    with pytest.raises(
        OSError, match=r"^models\.blip: http://127\.0\.0\.1:1 is out of reach .*; missing: all of it; copy"
    ):
        fetched(SimpleNamespace(address="http://127.0.0.1:1"), folder)


def test_offline_a_begun_download_tells_what_is_missing_and_stays(hub, folder):
    fetched(hub, folder)
    (folder / "model.safetensors").unlink()
    with in_a_process(hub, folder, offline="1") as job:
        said = job.communicate()[1]
    assert "HF_HUB_OFFLINE is set, so the hub is not asked; missing: model.safetensors; copy resources/models/b" in said
    assert "or in $SGID_RESOURCES_ROOT, or name a folder of your own as models.blip.folder" in said
    assert held(folder) == {"config.json": b"{}"}


def test_offline_what_is_whole_is_enough(hub, folder):
    first = fetched(hub, folder)
    with in_a_process(hub, folder, offline="1") as job:
        assert json.loads(job.communicate()[0]) == first


@pytest.fixture
def copy(hub, tmp_path):
    """A root whose models/blip is a whole download."""
    root = tmp_path / "copies"
    write_json(fetched(hub, root / "models" / "blip"), root / "models" / "blip" / "model.json")
    hub.asked.clear()
    return root


@pytest.mark.parametrize("revision", ["main", commit_of(FILES)])
def test_a_copy_below_a_root_is_linked_and_the_hub_not_asked(hub, folder, copy, tmp_path, revision):
    record = fetched(hub, folder, roots=[tmp_path / "nothing", copy], revision=revision)
    assert hub.asked == []
    assert held(folder) == KEPT
    assert (folder / "model.safetensors").readlink() == copy / "models" / "blip" / "model.safetensors"
    assert record == fetched(hub, folder.parent / "other", revision=revision)


@pytest.mark.parametrize(
    "changes", [{"revision": "v2"}, {"id": "owner/other"}, {"library": "timm"}, {"variant": "fp16"}], ids=str
)
def test_a_copy_of_something_else_is_passed_over(hub, folder, copy, caplog, changes):
    files = FILES | {"config.json": b"{ }", "model.fp16.safetensors": WEIGHTS}
    hub.repositories[NAME] = hub.repositories["owner/other"] = Repository({"main": files, "v2": files})
    record = fetched(hub, folder, roots=[copy], **changes)
    assert changes.items() <= record.items()
    assert "is not of the configured id, revision, library and variant; passed over" in caplog.text
    assert not (folder / "model.safetensors").is_symlink()


def test_a_record_that_is_not_of_a_download_is_passed_over(hub, folder, copy):
    write_json({"miniature": True}, copy / "models/blip/model.json")
    fetched(hub, folder, roots=[copy])
    assert not (folder / "model.safetensors").is_symlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_bytes(WEIGHTS[:-1] + b"?"), r"its sha256 is \w+ where \w+ is expected"),
        (lambda path: path.unlink(), "it is not there"),
    ],
)
def test_a_damaged_copy_is_refused_by_its_path(hub, folder, copy, damage, sentence):
    damage(copy / "models/blip/model.safetensors")
    with pytest.raises(RefusedError, match=rf"copies/models/blip/model\.safetensors: {sentence}; put the right file"):
        fetched(hub, folder, roots=[copy])


def test_a_copy_is_held_to_the_configured_hashes(hub, folder, copy):
    with pytest.raises(RefusedError, match=r"model\.safetensors has sha256 \w+ there where 0{64} is configured"):
        fetched(hub, folder, roots=[copy], sha256={"model.safetensors": "0" * 64})


@pytest.fixture
def own(tmp_path, repositories):
    """A folder of one's own: what a user saved, with no record."""
    for name, data in repositories["blip"].items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_bytes(data)
    return tmp_path / "own"


def test_a_folder_of_ones_own_is_described_and_linked(folder, own):
    before = sorted(own.rglob("*"))
    record = fetch_model("blip", entry(folder=str(own), sha256=PINS), folder)
    assert sorted(record["files"]) == sorted(held(folder)) == FETCHED["blip"]
    assert [record[key] for key in ("id", "commit", "revision", "miniature")] == [None, None, None, False]
    assert all((folder / name).is_symlink() for name in record["files"])
    assert sorted(own.rglob("*")) == before
    write_json(record, folder / "model.json")
    assert load_captioner(folder / "model.json")


def test_a_download_takes_the_place_of_the_links_to_ones_own(hub, folder, own):
    fetch_model("blip", entry(folder=str(own)), folder)
    fetched(hub, folder)
    assert held(folder) == KEPT
    assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_a_disk_too_small_for_the_whole_model_is_told_before_the_first_byte(hub, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300_001))
    with pytest.raises(OSError, match=r"no space left in .*models for blip: 300,002 bytes are needed") as full:
        fetched(hub, folder)
    assert full.value.errno == errno.ENOSPC
    assert hub.fetched == []


def test_a_process_that_waits_says_so(hub, folder, caplog):
    fetched(hub, folder)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(open(folder / ".lock", "w"))
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting = threading.Thread(target=fetched, args=(hub, folder))
        waiting.start()
        while "another process is at work" not in caplog.text:
            time.sleep(0.01)
    waiting.join()


def test_the_plan_of_a_fetch_is_kept_beside_its_files(hub, folder):
    fetched(hub, folder)
    assert json.loads((folder / PLAN).read_text())["commit"] == commit_of(FILES)
