from pathlib import Path

import pytest

from sgid.cost_plan import CAPTIONS, CHOICE, PICTURES, CostPlan
from sgid.matrix import Matrix


@pytest.fixture
def plan(config):
    return CostPlan(Matrix(config))


def paths(found: list[tuple[str, str]], stage: str) -> list[str]:
    return [path.removeprefix("results/benchmarks/") for each, path in found if each == stage]


@pytest.mark.parametrize("method", ["backbone", "ra", "cutmix"])
def test_a_method_that_draws_nothing_costs_nothing_before_training(plan, method):
    assert plan.files("pets", method) == []


def test_sgid_pays_for_captions_for_pictures_at_every_rate_and_for_the_choice(plan):
    found = plan.files("pets", "sgid")
    assert paths(found, CAPTIONS) == [
        "write_captions/pets/originals/shard-0-of-1.tsv",
        "score_captions/pets/originals/nucleus/shard-0-of-1.tsv",
    ]
    rates = ("0.3", "0.5", "0.7")
    assert paths(found, PICTURES) == [f"draw_images/pets/sgid/noise-{rate}/shard-0-of-1.tsv" for rate in rates]
    assert paths(found, CHOICE) == [f"results/selection/pets/sgid/noise-{rate}/seed-0.json" for rate in rates]


def test_text_alone_pays_for_its_sentences_and_chooses_nothing(plan):
    found = plan.files("pets", "text2img")
    assert "write_sentences/pets.tsv" in paths(found, CAPTIONS)
    assert paths(found, CHOICE) == []


def test_captions_that_people_wrote_cost_their_scoring_only(plan):
    assert paths(plan.files("pets", "sgid_dc"), CAPTIONS) == ["score_captions/pets/originals/diverse/shard-0-of-1.tsv"]


def test_an_ablation_pays_for_the_choice_that_decides_its_rate(plan):
    found = plan.files("pets", "sgid_label")
    assert "draw_images/pets/sgid_label/noise-chosen/shard-0-of-1.tsv" in paths(found, PICTURES)
    assert "draw_images/pets/sgid/noise-0.7/shard-0-of-1.tsv" in paths(found, PICTURES)
    assert len(paths(found, CHOICE)) == 3


def test_who_redraws_pays_for_the_pictures_it_redraws_and_for_their_captions(plan):
    found = plan.files("pets", "text2img_sgid")
    assert "draw_images/pets/text2img/noise-1.0/shard-0-of-1.tsv" in paths(found, PICTURES)
    assert "write_captions/pets/text2img/shard-0-of-1.tsv" in paths(found, CAPTIONS)


def test_a_method_with_several_recipes_pays_for_all_and_for_their_candidates(config):
    config["methods"]["either"] = {"title": "Either", "images": ["sgid", "text2img"]}
    found = CostPlan(Matrix(config)).files("pets", "either")
    assert {path.split("/")[2] for path in paths(found, PICTURES)} == {"sgid", "text2img"}
    assert "results/selection/pets/text2img/noise-1.0/seed-0.json" in paths(found, CHOICE)


def test_a_ledger_names_row_data_set_and_stage_of_every_path(plan):
    ledger = plan.ledger("figure_cost")
    assert {entry["row"] for entry in ledger} == {"text2img", "sgid", "sgid_dc", "sgid_ip"}
    assert {entry["dataset"] for entry in ledger} == {"cifar100", "pets", "dtd"}
    assert {entry["stage"] for entry in ledger} == {CAPTIONS, PICTURES, CHOICE}


def test_only_files_that_are_there_are_found(plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("results/benchmarks/write_sentences/pets.tsv")
    assert plan.found("figure_cost") == {}
    path.parent.mkdir(parents=True)
    path.touch()
    assert plan.found("figure_cost") == {str(path): path.stat().st_mtime_ns}


def test_every_shard_of_a_data_set_is_counted(plan):
    drawn = paths(plan.files("cifar100", "sgid_ip"), PICTURES)
    assert drawn == [f"draw_images/cifar100/sgid_ip/noise-1.0/shard-{i}-of-{len(drawn)}.tsv" for i in range(len(drawn))]
    assert len(drawn) > 1
