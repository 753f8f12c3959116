"""What a preflight finds, and whether it stops a build; a hub and mirrors on loopback."""

import shutil
from pathlib import Path

import pytest
import yaml
from archive_server import serving
from configuration_files import laid_over

from sgid.matrix import Matrix
from sgid.planning import downloads, machine, preflight
from sgid.planning.build import Build
from sgid.planning.downloads import (
    archive_finding,
    archive_findings,
    hub_problem,
    model_finding,
    model_findings,
    together,
)
from sgid.planning.findings import FINE, NOTE, STOPS, Finding
from sgid.planning.machine import status_of, torch_sees
from sgid.planning.plans import Plan
from sgid.planning.preflight import disk, exit_status, findings_of, folders, gpu, memory, text_of, worded

NOBODY = "http://127.0.0.1:9"  # the port of nobody


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SGID_RESOURCES_ROOT", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    return tmp_path


@pytest.fixture
def at_nobody(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", NOBODY)


def hub_at(monkeypatch, hub):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)


def test_a_revision_that_the_hub_has_is_no_problem(monkeypatch, hub):
    hub_at(monkeypatch, hub)
    assert hub_problem("owner/model", "main") is None


def test_a_gated_model_without_a_token_names_the_page_and_the_variable(monkeypatch, hub):
    monkeypatch.setattr(downloads, "status_of", lambda url, headers: (200, b'{"gated": "auto"}'))
    said, step, _ = hub_problem("owner/model", "main")
    assert "gated" in said
    assert "owner/model and set HF_TOKEN" in step


def test_a_revision_that_the_hub_does_not_know_is_said(monkeypatch, hub):
    hub_at(monkeypatch, hub)
    assert hub_problem("owner/model", "nonsense")[0] == "and the hub does not know it"


def test_where_no_hub_answers_each_missing_model_stops_the_build_and_says_where_a_copy_goes(config, at_nobody):
    found = list(model_findings(Plan(config, ["table4"])))
    assert len(found) == 3
    assert {finding.level for finding in found} == {STOPS}
    assert all("models/" in finding.step and "$SGID_RESOURCES_ROOT" in finding.step for finding in found)
    assert any("451f4fe16113, 4.3 GB" in finding.said for finding in found)


def test_a_model_with_a_copy_needs_no_hub(config, at_nobody, tmp_path):
    (tmp_path / "copies/models/clip").mkdir(parents=True)
    finding = model_finding("clip", config["models"]["clip"], Plan(config, ["table4"]), [tmp_path / "copies"])
    assert finding.level == NOTE
    assert "snakemake resources/models/clip/model.json --cores 1" in finding.step


def test_offline_no_hub_is_asked(config, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(downloads, "hub_problem", None)
    finding = model_finding("clip", config["models"]["clip"], Plan(config, ["table4"]), [])
    assert (finding.level, "HF_HUB_OFFLINE is set" in finding.said) == (STOPS, True)


def test_archives_of_a_mirror_that_answers_are_a_note_with_their_bytes_and_the_command(config, tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www/dtd-r1.0.1.tar.gz").write_bytes(b"x")
    with serving(tmp_path / "www") as address:
        archive = config["datasets"]["dtd"]["archives"]["data"]
        archive["urls"] = [f"{NOBODY}/gone", f"{address}/dtd-r1.0.1.tar.gz"]
        finding = archive_finding("dtd", Plan(config, ["table4"]), [])
    assert finding.level == NOTE
    assert "0.63 GB" in finding.said
    assert "snakemake resources/datasets/dtd/archives.json --cores 1" in finding.step


def test_archives_that_no_mirror_gives_stop_the_build(config):
    config["datasets"]["dtd"]["archives"]["data"]["urls"] = [f"{NOBODY}/gone"]
    finding = archive_finding("dtd", Plan(config, ["table4"]), [])
    assert finding.level == STOPS
    assert "no mirror of dtd-r1.0.1.tar.gz answers" in finding.said


def test_stanford_cars_must_come_from_the_user_and_the_overlay_without_it_works(config):
    finding = archive_finding("cars", Plan(config, config["build"]), [])
    assert finding.level == STOPS
    assert "cars_train.tgz, cars_test.tgz, cars_test_annos_withlabels.mat must come from you" in finding.said
    assert "table1, table3, figure1, figure4, figure5" in finding.step
    overlay = yaml.safe_load(finding.step.partition("by an overlay with ")[2])
    narrowed = laid_over(config, overlay)
    graph = Build(Matrix(narrowed)).graph(narrowed["build"])
    assert len(narrowed["build"]) == len(config["build"]) - 1
    assert not [job for job in graph.jobs if job.names.get("dataset") == "cars"]


def test_archives_that_are_at_hand_are_no_reason_to_ask_anyone(config, tmp_path):
    folder = Path("resources/datasets/cars")
    folder.mkdir(parents=True)
    for archive in config["datasets"]["cars"]["archives"].values():
        (folder / archive["file"]).touch()
    finding = archive_finding("cars", Plan(config, ["figure5"]), [])
    assert (finding.level, "at hand" in finding.said) == (NOTE, True)


def test_a_disk_that_is_too_small_stops_the_build_with_both_numbers(config, monkeypatch):
    monkeypatch.setattr(preflight, "room", lambda folder: (1, 1_000_000_000, 10**9))
    (finding,) = disk(Plan(config, ["table4"]))
    assert finding.level == STOPS
    assert "1 GB are free" in finding.said


def test_too_few_files_left_stop_the_build(config, monkeypatch):
    monkeypatch.setattr(preflight, "room", lambda folder: (1, 10**15, 100))
    assert [finding.level for finding in disk(Plan(config, ["table4"]))] == [FINE, STOPS]


def test_two_disks_are_looked_at_by_themselves(config, monkeypatch):
    monkeypatch.setattr(preflight, "room", lambda folder: (len(str(folder)), 10**15, -1))
    assert [finding.said.split(":")[0] for finding in disk(Plan(config, ["table4"]))] == ["results/", "resources/"]


@pytest.mark.parametrize(
    ("environment", "level"), [({"SGID_DEVICE": "cpu"}, STOPS), ({"SGID_GPUS": "0"}, STOPS), ({"SGID_GPUS": ""}, NOTE)]
)
def test_too_little_memory_for_decoded_pictures_stops_a_build_whose_jobs_run_here(
    config, monkeypatch, environment, level
):
    monkeypatch.setattr(preflight, "available_memory", lambda: 10**8)
    assert [finding.level for finding in memory(Plan(config, ["table4"]), environment)] == [level]


def test_what_is_too_little_is_told_though_both_amounts_read_alike(config, monkeypatch):
    plan = Plan(config, ["table4"])
    need = plan.summary.results + plan.summary.fetched + plan.summary.caches
    monkeypatch.setattr(preflight, "room", lambda folder: (1, need - 2e7, -1))
    assert [(found.level, found.said.split(", ")[1]) for found in disk(plan)] == [(STOPS, "0.02 GB too few")]


@pytest.mark.parametrize(
    ("answer", "level"),
    [((True, "2.15.0", "13.2"), FINE), ((False, "2.15.0", "13.2"), STOPS), ((False, "2.15", None), STOPS)],
)
def test_a_gpu_that_torch_cannot_use_stops_the_build(config, answer, level):
    (finding,) = gpu(Plan(config, ["table4"]), {"SGID_GPUS": "0"}, lambda pool: answer)
    assert finding.level == level
    assert level == FINE or "SGID_DEVICE=cpu" in finding.step


def test_a_torch_that_says_nothing_is_not_waited_for(config):
    with pytest.raises(TimeoutError, match="says nothing"):
        torch_sees(["0"], patience=0.01)


def test_without_a_gpu_the_number_of_jobs_is_said_and_nothing_stops(config):
    (finding,) = gpu(Plan(config, ["figure5"]), {"CUDA_VISIBLE_DEVICES": ""}, torch_sees)
    assert (finding.level, finding.said.split(":")[0]) == (NOTE, "no GPU here")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    assert [finding.said.split(" ")[0] for finding in folders()] == ["logs/"]


def test_the_miniature_lacks_nothing(demo_config, here):
    shutil.copytree(Path(__file__).parents[2] / "resources/miniature", here / "resources/miniature")
    plan = Plan(demo_config, demo_config["build"])
    found = findings_of(plan, environment={"CUDA_VISIBLE_DEVICES": ""})
    assert exit_status(found) == 0
    assert "Nothing is missing." in text_of(found, "build")


def test_what_stops_a_build_stands_first_and_is_counted(config, at_nobody, monkeypatch):
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    found = findings_of(Plan(config, ["figure5"]), environment={"CUDA_VISIBLE_DEVICES": ""})
    assert exit_status(found) == 1
    text = text_of(found, "figure5")
    assert text.splitlines()[2].startswith("STOPS")
    assert "findings stop this build" in text


def test_every_archive_that_is_missing_is_found(config, monkeypatch):
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    assert len(list(archive_findings(Plan(config, ["table3"])))) == 4


def test_what_only_the_network_withholds_is_one_finding_that_lists_it(config, at_nobody):
    config["datasets"]["dtd"]["archives"]["data"]["urls"] = [f"{NOBODY}/gone"]
    plan = Plan(config, ["table4"])
    dtd = archive_finding("dtd", plan, [])
    other = Finding(NOTE, "another")
    found = list(together([other, *model_findings(plan), dtd]))
    assert (len(found), found[0], found[1].level) == (2, other, STOPS)
    assert found[1].said.startswith(f"network: no answer from {NOBODY}, 127.0.0.1:9, for models ")
    assert all(name in found[1].said for name in ("stable_diffusion", "clip", "data sets dtd"))
    assert list(together([other, dtd])) == [other, dtd]


def test_no_line_of_a_preflight_is_longer_than_two_hundred_characters(config, at_nobody, monkeypatch):
    monkeypatch.setattr(downloads, "answers", lambda url: False)
    found = findings_of(Plan(config, config["build"]), environment={"CUDA_VISIBLE_DEVICES": ""})
    assert max(map(len, text_of(found, "build").splitlines())) <= 200


def test_little_is_told_in_words_that_read_right(demo_config, here):
    shutil.copytree(Path(__file__).parents[2] / "resources/miniature", here / "resources/miniature")
    plan = Plan(demo_config, demo_config["build"])
    assert ["less than 0.01 GB" in finding.said for finding in (*memory(plan, {}), *disk(plan))] == [True, True]
    assert [worded("up to", number) for number in (0, 1e6, 2e9)] == ["0 GB", "less than 0.01 GB", "up to 2 GB"]


def test_an_address_that_nobody_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(machine, "PATIENCE", 0.5)
    assert status_of(NOBODY) == (None, b"")
