"""A plan of what lies in a folder: which device it is for, and what of it counts as done."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from sgid.planning.plan_report import amount, answers
from sgid.planning.plans import Plan
from sgid.planning.terminal import short
from sgid.runtime import write_json

RUNS = [f"results/runs/dtd/resnet50/sgid/seed-{seed}.json" for seed in range(5)]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # no driver to be asked
    return tmp_path


@pytest.fixture
def trained(here):
    """One finished job of five runs on an A100, with its benchmark."""
    for path in RUNS:
        write_json({"provenance": {"device": "NVIDIA A100-SXM4-80GB"}}, path)
    benchmark = Path("results/benchmarks/train_classifier/dtd/resnet50/sgid/seeds.tsv")
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\th:m:s\n9000.0\t2:30:00\n")


def basis_of_training(plan: Plan) -> str:
    return next(row.basis for row in plan.summary.rows if row.rule == "train_classifier")


def test_without_a_word_an_h200_is_planned_for(config):
    assert Plan(config, ["table4"]).device[0].name == "H200"


def test_the_device_of_finished_jobs_is_planned_for_by_their_seconds(config, trained):
    plan = Plan(config, ["table4"])
    assert plan.device[0].name == "A100"
    assert "your jobs" in basis_of_training(plan)


def test_seconds_of_another_device_do_not_count(config, trained):
    assert basis_of_training(Plan(config | {"plan_device": "H100"}, ["table4"])) == "estimate"


def test_an_output_that_was_begun_and_not_finished_is_not_there(config, trained):
    assert Plan(config, ["table4"]).is_there(RUNS[0])
    marker = Path(".snakemake/incomplete", urlsafe_b64encode(RUNS[0].encode()).decode())
    marker.parent.mkdir(parents=True)
    marker.write_text("{}")
    assert not Plan(config, ["table4"]).is_there(RUNS[0])


def file_of(plan: Plan) -> str:
    plan.write("here")
    return Path("results/plan/here.md").read_text(encoding="utf-8")


def test_a_plan_is_written_with_all_columns_and_shown_without_those_in_which_nothing_stands(config):
    plan = Plan(config, ["figure5"])
    title = "# Plan of figure5, on 1 × H200"
    assert [text.splitlines()[0] for text in (file_of(plan), plan.text())] == [title, title]
    assert "| done |" in file_of(plan).splitlines()[2]
    assert plan.text().splitlines()[2].split("  ")[0] == "rule"
    assert " done " not in plan.text().splitlines()[2]


def test_what_is_done_has_a_column_on_the_terminal_too(config):
    write_json({}, "resources/models/clip/model.json")
    assert " done " in Plan(config, ["table4"]).text().splitlines()[2]


def test_the_plan_of_the_paper_fits_a_terminal_of_a_hundred_columns(config, trained):
    write_json({}, "resources/models/clip/model.json")
    plan = Plan(config, config["build"])
    assert max(map(len, plan.text().splitlines())) <= 100
    assert [line.split("  ")[0] for line in plan.text().splitlines()].count("draw_images") == 1


def test_several_bases_of_one_rule_are_told_in_a_word_on_the_terminal_and_in_full_in_the_file(config, trained):
    plan = Plan(config, ["table4"])
    rows = {line.split()[0]: line.split("  ") for line in plan.text().splitlines() if line}
    assert rows["train_classifier"][-1] == "several"
    assert rows["draw_images"][-1] == "estimate"
    assert "estimate, your jobs" in file_of(plan)


def test_a_basis_has_no_details_on_the_terminal():
    assert short(["images", "draw_images", "1", "measured (h200-true.json)"]) == ["", "draw_images", "1", "measured"]


def test_little_and_nothing_are_told_apart():
    assert [amount(number) for number in (0, 5e6, 2e9)] == ["0 GB", "less than 0.01 GB", "2 GB"]


def test_columns_of_a_plan_add_up_to_its_last_line(config):
    plan = Plan(config, ["table3"])
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file_of(plan).splitlines() if line[:1] == "|"]
    heads, *rows, total = lines[:1] + lines[2:]
    for name in ("to do", "runs"):
        numbers = [int(row[heads.index(name)].replace(",", "") or 0) for row in rows]
        assert sum(numbers) == int(total[heads.index(name)].replace(",", ""))


def test_the_documented_way_is_told_where_it_takes_longer(config):
    summary = Plan(config, ["table4"]).summary
    assert "the documented way" in answers(summary)[0]
    quick = replace(summary, rows=tuple(replace(row, naive=row.seconds / 2) for row in summary.rows))
    assert "the documented way" not in answers(quick)[0]


def test_a_folder_of_ones_own_is_planned_by_what_lies_in_it(config, here):
    for name in (f"birds/{kind}/{i}.jpg" for kind in ("finch", "tit") for i in range(50)):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).touch()
    config["datasets"]["birds"] = {
        **{"title": "Birds", "source": "folder", "folder": str(here / "birds"), "split": {"test": 0.2}},
        **{"validation": 0.1, "resolution": 512, "stored": None, "image_size": 224},
    }
    config["tables"]["birds"] = {"title": "Birds", "datasets": ["birds"], "backbones": ["resnet50"]}
    config["tables"]["birds"]["groups"] = {"methods": ["backbone", "sgid"]}
    rows = {row.rule: row for row in Plan(config, ["birds"]).summary.rows}
    assert rows["draw_images"].images == 3 * 80
    assert rows["train_classifier"].runs == 10
    assert rows["train_classifier"].stored == 10 * 20 * 32  # predictions of twenty test pictures
