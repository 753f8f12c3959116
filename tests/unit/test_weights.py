"""Which files a model's folder holds, and the record of them: downloads by plan, successors, copies, hashes."""

import contextlib
import errno
import fcntl
import hashlib
import json
import re
import shutil
import threading
import time
from types import SimpleNamespace

import pytest
from hub_server import Repository, commit_of
from model_hub import FILES, KEPT, NAME, WEIGHTS, fetched, held, refusal

from sgid.runtime import write_json
from sgid.transfer import RefusedError
from sgid.weights import PLAN


def test_the_record_tells_what_the_files_are(hub, model_folder):
    assert fetched(hub, model_folder) == {
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


def test_a_model_without_a_licence_has_none_in_its_record(hub, model_folder):
    hub.add(NAME, FILES, licence=None)
    assert fetched(hub, model_folder)["licence"] is None


def test_what_is_whole_is_not_fetched_again_and_gives_an_equal_record(hub, model_folder):
    first = fetched(hub, model_folder)
    hub.asked.clear()
    assert fetched(hub, model_folder) == first
    assert hub.asked == []


def test_a_branch_keeps_the_commit_that_it_stood_for_at_the_first_fetch(hub, model_folder):
    first = fetched(hub, model_folder)
    (model_folder / "model.safetensors").unlink()
    hub.repositories[NAME] = Repository({"main": FILES | {"config.json": b"{ }"}, "old": FILES})
    assert fetched(hub, model_folder) == first
    assert held(model_folder) == KEPT


def test_another_revision_replaces_the_files_and_removes_those_that_it_lacks(hub, model_folder):
    older = FILES | {"tokenizer.json": b"{}", "config.json": b"{ }"}
    hub.repositories[NAME] = Repository({"main": FILES, "older": older})
    fetched(hub, model_folder, revision="older")
    hub.how.requests.clear()
    record = fetched(hub, model_folder, revision=commit_of(FILES))
    assert record["revision"] == record["commit"] == commit_of(FILES)
    assert held(model_folder) == KEPT
    assert not hub.how.requests  # the weights are the same


def test_a_conversion_may_be_named_as_a_revision(hub, model_folder):
    hub.repositories[NAME] = Repository({"main": {"config.json": b"{}"}, "refs/pr/3": FILES})
    assert fetched(hub, model_folder, revision="refs/pr/3")["commit"] == commit_of(FILES)


def test_a_damaged_file_is_fetched_anew(hub, model_folder):
    fetched(hub, model_folder)
    (model_folder / "model.safetensors").write_bytes(WEIGHTS[:-1] + b"?")
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT


PINS = {name: hashlib.sha256(data).hexdigest() for name, data in KEPT.items()}


def test_files_of_the_configured_hashes_are_taken(hub, model_folder):
    assert fetched(hub, model_folder, sha256=PINS)["files"]["config.json"]["sha256"] == PINS["config.json"]


@pytest.mark.parametrize("name", KEPT)
def test_the_configured_hash_decides(hub, model_folder, name):
    assert re.search(
        rf"{name}.* sha256 .*{PINS[name]}.*{'0' * 64}", refusal(hub, model_folder, sha256={name: "0" * 64})
    )
    assert name not in held(model_folder)
    assert not hub.how.requests  # what the hub tells of large files is enough to refuse them


def test_configured_hashes_can_be_taken_back(hub, model_folder):
    fetched(hub, model_folder, sha256=None)
    assert held(model_folder) == KEPT


def test_a_wrong_hash_of_a_small_file_leaves_nothing_behind_when_it_is_taken_back(hub, model_folder):
    refusal(hub, model_folder, sha256={"config.json": "0" * 64})
    fetched(hub, model_folder, sha256=None)
    assert held(model_folder) == KEPT


def test_a_hash_of_a_file_that_is_not_needed_is_refused(hub, model_folder):
    sentence = refusal(hub, model_folder, sha256={"pytorch_model.bin": "0" * 64})
    assert "models.blip.sha256: 'pytorch_model.bin' is not fetched (have: model.safetensors, config.json)" in sentence


def test_the_next_successor_serves_where_an_id_is_gone(hub, model_folder, caplog):
    record = fetched(
        hub,
        model_folder,
        id="owner/gone",
        successors=[{"id": "owner/too", "revision": "v1"}, {"id": NAME, "revision": "main"}],
    )
    assert (record["id"], record["commit"]) == (NAME, commit_of(FILES))
    assert f"owner/too at v1: there is no {hub.address}/owner/too, or it is private" in caplog.text


def test_a_fetch_that_a_successor_began_goes_on_with_it(hub, model_folder):
    sources = {"id": "owner/gone", "successors": [{"id": NAME, "revision": "main"}]}
    first = fetched(hub, model_folder, **sources)
    (model_folder / "config.json").unlink()
    hub.asked.clear()
    assert fetched(hub, model_folder, **sources) == first
    assert not [each for each in hub.asked if "owner/gone" in each]


@pytest.fixture
def copy(hub, tmp_path):
    """A root whose models/blip is a whole download."""
    root = tmp_path / "copies"
    write_json(fetched(hub, root / "models" / "blip"), root / "models" / "blip" / "model.json")
    hub.asked.clear()
    return root


@pytest.mark.parametrize("revision", ["main", commit_of(FILES)])
def test_a_copy_below_a_root_is_linked_and_the_hub_not_asked(hub, model_folder, copy, tmp_path, revision):
    record = fetched(hub, model_folder, roots=[tmp_path / "nothing", copy], revision=revision)
    assert hub.asked == []
    assert held(model_folder) == KEPT
    assert (model_folder / "model.safetensors").readlink() == copy / "models" / "blip" / "model.safetensors"
    assert record == fetched(hub, model_folder.parent / "other", revision=revision)


@pytest.mark.parametrize(
    "changes", [{"revision": "v2"}, {"id": "owner/other"}, {"library": "timm"}, {"variant": "fp16"}], ids=str
)
def test_a_copy_of_something_else_is_passed_over(hub, model_folder, copy, caplog, changes):
    files = FILES | {"config.json": b"{ }", "model.fp16.safetensors": WEIGHTS}
    hub.repositories[NAME] = hub.repositories["owner/other"] = Repository({"main": files, "v2": files})
    record = fetched(hub, model_folder, roots=[copy], **changes)
    assert changes.items() <= record.items()
    assert "is not of the configured id, revision, library and variant; passed over" in caplog.text
    assert not (model_folder / "model.safetensors").is_symlink()


def test_a_record_that_is_not_of_a_download_is_passed_over(hub, model_folder, copy):
    write_json({"miniature": True}, copy / "models/blip/model.json")
    fetched(hub, model_folder, roots=[copy])
    assert not (model_folder / "model.safetensors").is_symlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_bytes(WEIGHTS[:-1] + b"?"), r"its sha256 is \w+ where \w+ is expected"),
        (lambda path: path.unlink(), "it is not there"),
    ],
)
def test_a_damaged_copy_is_refused_by_its_path(hub, model_folder, copy, damage, sentence):
    damage(copy / "models/blip/model.safetensors")
    with pytest.raises(RefusedError, match=rf"copies/models/blip/model\.safetensors: {sentence}; put the right file"):
        fetched(hub, model_folder, roots=[copy])


def test_a_copy_is_held_to_the_configured_hashes(hub, model_folder, copy):
    with pytest.raises(RefusedError, match=r"model\.safetensors has sha256 \w+ there where 0{64} is configured"):
        fetched(hub, model_folder, roots=[copy], sha256={"model.safetensors": "0" * 64})


def test_a_disk_too_small_for_the_whole_model_is_told_before_the_first_byte(hub, model_folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300_001))
    with pytest.raises(OSError, match=r"no space left in .*models for blip: 300,002 bytes are needed") as full:
        fetched(hub, model_folder)
    assert full.value.errno == errno.ENOSPC
    assert hub.fetched == []


def test_what_has_come_already_needs_no_room(hub, model_folder, monkeypatch):
    model_folder.mkdir(parents=True)
    (model_folder / ".model.safetensors.part").write_bytes(WEIGHTS[:200_000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_002))
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT
    assert hub.how.requests["model.safetensors"] == ["bytes=200000-"]


def test_a_process_that_waits_says_so(hub, model_folder, caplog):
    fetched(hub, model_folder)
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(open(model_folder / ".lock", "w"))
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting = threading.Thread(target=fetched, args=(hub, model_folder))
        waiting.start()
        while "another process is at work" not in caplog.text:
            time.sleep(0.01)
    waiting.join()


def test_the_plan_of_a_fetch_is_kept_beside_its_files(hub, model_folder):
    fetched(hub, model_folder)
    assert json.loads((model_folder / PLAN).read_text())["commit"] == commit_of(FILES)
