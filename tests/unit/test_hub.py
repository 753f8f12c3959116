"""What a hub may do: break off, be busy, refuse, tell nonsense or be out of reach; by huggingface_hub's own client."""

import json
import re
import signal
import time
from types import SimpleNamespace

import pytest
from hub_server import TOKEN, Repository, commit_of
from model_hub import FILES, KEPT, NAME, fetched, held, in_a_process, refusal

from sgid.download import FRUITLESS_TRIES


def test_a_broken_connection_is_taken_up_where_it_broke(hub, model_folder):
    hub.how.drops = [100_000, 50_000]
    fetched(hub, model_folder)
    assert hub.how.requests["model.safetensors"] == ["", "bytes=100000-", "bytes=150000-"]
    assert held(model_folder) == KEPT


def test_a_busy_hub_is_asked_again(hub, model_folder):
    hub.answers, hub.how.answers = [503, 429], [503]
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT


def test_a_hub_that_stays_busy_is_given_up_with_what_is_missing(hub, model_folder):
    fetched(hub, model_folder)
    (model_folder / "model.safetensors").unlink()
    hub.answers = [503] * 100
    with pytest.raises(
        OSError, match=r"^models\.blip: the hub answers 503 for owner/model; missing: model\.safetensors;"
    ):
        fetched(hub, model_folder)
    assert len(hub.answers) == 100 - FRUITLESS_TRIES


def test_a_killed_fetch_goes_on_in_the_next_run_with_the_commit_that_it_began(hub, model_folder):
    hub.how.delay = 0.1
    with in_a_process(hub, model_folder) as job:
        part = model_folder / ".model.safetensors.part"
        while job.poll() is None and not (part.is_file() and part.stat().st_size > 50_000):
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
    assert job.returncode == -signal.SIGKILL
    assert "model.safetensors" not in held(model_folder)
    hub.how.delay = 0
    hub.repositories[NAME] = Repository({"main": {"config.json": b"new"}, "old": FILES})
    assert fetched(hub, model_folder)["commit"] == commit_of(FILES)
    assert held(model_folder) == KEPT
    assert hub.how.requests["model.safetensors"][-1].startswith("bytes=")


def test_two_processes_at_once_fetch_each_file_once(hub, model_folder):
    hub.how.delay = 0.05
    with in_a_process(hub, model_folder) as one, in_a_process(hub, model_folder) as other:
        records = [job.communicate()[0] for job in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0]
    assert records[0] == records[1]
    assert hub.how.requests["model.safetensors"] == [""]


@pytest.mark.parametrize("name", KEPT)
def test_a_file_with_another_hash_is_refused_and_removed(hub, model_folder, name):
    hub.repositories[NAME].wrong = {name}
    sentence = refusal(hub, model_folder)
    assert re.search(rf"owner/model at main: {name}: its (sha256|git blob id) is \w+ where \w+ is expected; ", sentence)
    assert sentence.endswith("name a folder of your own as models.blip.folder")
    assert name not in held(model_folder)
    hub.repositories[NAME].wrong = set()
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT


def test_a_model_without_safetensors_is_refused_before_any_download(hub, model_folder):
    hub.add(NAME, {name: data for name, data in FILES.items() if name != "model.safetensors"})
    sentence = refusal(hub, model_folder)
    assert "it has no model.safetensors (it has pytorch_model.bin, pickled, which is never fetched" in sentence
    assert "refs/pr/N" in sentence
    assert hub.fetched == []


def test_an_id_that_nobody_has_is_refused(hub, model_folder):
    sentence = refusal(hub, model_folder, id="owner/nothing")
    assert f"owner/nothing at main: there is no {hub.address}/owner/nothing, or it is private (then set" in sentence


def test_a_revision_that_is_not_there_is_refused(hub, model_folder):
    assert f"{NAME} has no revision v9 (have: {hub.address}/{NAME}/commits/main)" in refusal(
        hub, model_folder, revision="v9"
    )


@pytest.mark.parametrize("token", ["", "hf_wrong"])
def test_a_gated_model_tells_where_to_accept_its_licence(hub, model_folder, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    hub.add(NAME, FILES, gated=True)
    sentence = refusal(hub, model_folder)
    assert f"{NAME} is given only to who accepts its licence: accept it at {hub.address}/{NAME} and set HF_" in sentence


def test_a_token_opens_a_gated_model_and_is_told_to_no_other_host(hub, model_folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add(NAME, FILES, gated=True)
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT
    assert hub.tokens_at_cdn == []


def test_a_refusal_without_a_reason_tells_what_it_may_mean(hub, model_folder):
    hub.answers = [403]
    assert f"the hub answers 403 for {NAME}, as it does for what is not there, private or gated" in refusal(
        hub, model_folder
    )


def test_a_page_in_place_of_the_hub_is_refused(hub, model_folder, monkeypatch):
    monkeypatch.setattr("hub_server.HubHandler.tell", lambda self, *_: self.answer(200, b"<html>Log in</html>"))
    assert f"what {hub.address} says of {NAME} is not a hub's answer" in refusal(hub, model_folder)


FALSE_ANSWERS = {
    "another commit": ({"sha": "f" * 40}, "answers with commit f{40}, which is not the one asked for"),
    "no commit": ({"sha": None}, "does not tell which commit of owner/model main is"),
    "no sizes": ({"siblings": [{"rfilename": "config.json"}]}, "tells neither size nor hash of owner/model's config"),
    "no id": ({"id": None}, "is not a hub's answer"),
}


@pytest.mark.parametrize("case", FALSE_ANSWERS)
def test_a_hub_that_does_not_tell_what_it_has_is_refused(hub, model_folder, monkeypatch, case):
    changes, sentence = FALSE_ANSWERS[case]
    told = {"id": NAME, "sha": commit_of(FILES), "siblings": []} | changes
    told = {key: value for key, value in told.items() if value is not None}
    monkeypatch.setattr("hub_server.HubHandler.tell", lambda self, *_: self.answer(200, json.dumps(told).encode()))
    revision = commit_of(FILES) if case == "another commit" else "main"
    assert re.search(sentence, refusal(hub, model_folder, revision=revision))


@pytest.mark.usefixtures("online")
def test_a_hub_out_of_reach_is_told_with_what_is_missing_and_what_to_do(model_folder):
    with pytest.raises(
        OSError, match=r"^models\.blip: http://127\.0\.0\.1:1 is out of reach .*; missing: all of it; copy"
    ):
        fetched(SimpleNamespace(address="http://127.0.0.1:1"), model_folder)


def test_offline_a_begun_download_tells_what_is_missing_and_stays(hub, model_folder):
    fetched(hub, model_folder)
    (model_folder / "model.safetensors").unlink()
    with in_a_process(hub, model_folder, offline="1") as job:
        said = job.communicate()[1]
    assert "HF_HUB_OFFLINE is set, so the hub is not asked; missing: model.safetensors; copy resources/models/b" in said
    assert "or in $SGID_RESOURCES_ROOT, or name a folder of your own as models.blip.folder" in said
    assert held(model_folder) == {"config.json": b"{}"}


def test_offline_what_is_whole_is_enough(hub, model_folder):
    first = fetched(hub, model_folder)
    with in_a_process(hub, model_folder, offline="1") as job:
        assert json.loads(job.communicate()[0]) == first
