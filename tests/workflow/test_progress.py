"""Tables of whatever runs are there, without running any; and the comparison of predictions."""

import json
import random
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from rendered_tables import shown_rows
from snake import DEMO, Call, copy_of_the_repository, job_counts, snakemake

from sgid.image_table import write_table
from sgid.matrix import TABLE_FILES, Matrix, Run
from sgid.runtime import write_json

PICTURES = 40
HALVES = {"collect_partial_runs": 1, "test_significance": 1, "render_table": 1, "progress_table1": 1}


def write_run(folder: Path, run: Run, accuracy: float) -> None:
    """The JSON of a run that never was, as training would have written it."""
    names = {"dataset": run.dataset, "backbone": run.backbone, "method": run.method, "seed": run.seed}
    origin = {"noise_rate": None, "seconds": 1.0, "miniature": True, "provenance": {"commit": "abc", "dirty": False}}
    (folder / run.path).parent.mkdir(parents=True, exist_ok=True)
    write_json(names | {"accuracy": accuracy} | origin, folder / run.path)


def planned(call: Call) -> dict[str, int]:
    return {rule: count for rule, count in job_counts(call.text).items() if rule != "total"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def runs(demo_config):
    return Matrix(demo_config).runs(["table1"])


def test_a_table_grows_with_its_runs_and_trains_none(clone, runs):
    chance = random.Random(0)
    half = set(chance.sample(runs, len(runs) // 2))
    for run in half:
        write_run(clone, run, 50 + chance.random())
    first = snakemake("progress_table1", *DEMO, "--cores", "1", cwd=clone)
    assert first.code == 0, first.text[-3000:]
    assert planned(first) == HALVES
    assert all((clone / f"results/partial/table1{suffix}").exists() for suffix in (".runs.csv", *TABLE_FILES))
    assert not (clone / "results/tables").exists()
    for suffix, form in ((".md", "markdown"), (".tex", "latex"), (".html", "html")):
        text = (clone / f"results/partial/table1{suffix}").read_text()
        assert f"({len(half)} of {len(runs)} runs)" in text
        counts = [
            cell.count[0] if cell.count else 3 if cell.number else 0
            for _, row in shown_rows(text, form)
            for cell in row
        ]
        assert sum(counts) == len(half)
    again = snakemake("progress_table1", *DEMO, "-n", cwd=clone)
    assert "Nothing to be done" in again.text
    write_run(clone, next(run for run in runs if run not in half), 50.0)
    more = snakemake("progress_table1", *DEMO, "-n", "--quiet", cwd=clone)
    assert planned(more) == HALVES


def test_every_table_of_the_build_has_its_progress(clone):
    call = snakemake("partial_tables", "-n", "--quiet", cwd=clone)
    assert planned(call) == {"collect_partial_runs": 3, "test_significance": 3, "render_table": 3, "partial_tables": 1}


def test_a_progress_needs_no_run_and_no_picture(clone):
    call = snakemake("progress_table4", "-n", "--quiet", cwd=clone)
    assert planned(call).keys() == {"collect_partial_runs", "test_significance", "render_table", "progress_table4"}


def test_a_broken_run_is_named(clone, runs):
    write_run(clone, runs[0], 50.0)
    (clone / runs[0].path).write_text(json.dumps({"accuracy": 1})[:-3])
    call = snakemake("progress_table1", *DEMO, "--cores", "1", cwd=clone)
    assert call.code == 1
    assert f"{runs[0].path}: not valid JSON" in call.text


def test_predictions_are_compared_column_by_column(clone, runs):
    chance = random.Random(1)
    for run in runs:
        write_run(clone, run, 50 + chance.random() + 30 * (run.method == "sgid"))
        right = [chance.random() < 0.9 if run.method == "sgid" else chance.random() < 0.5 for _ in range(PICTURES)]
        (clone / run.predictions).parent.mkdir(parents=True, exist_ok=True)
        columns = {"image_id": [f"test/{n:03}" for n in range(PICTURES)], "label": [1] * PICTURES}
        write_table(pa.table(columns | {"predicted": [int(each) for each in right]}), clone / run.predictions)
    words = ["results/tables/table1.predictions.csv", *DEMO, "--cores", "1"]
    allowed = ["--allowed-rules", "collect_runs", "test_significance", "compare_predictions"]
    call = snakemake(*words, *allowed, "--rerun-triggers", "mtime", cwd=clone)
    assert call.code == 0, call.text[-3000:]
    found = pd.read_csv(clone / "results/tables/table1.predictions.csv")
    assert found["seed"].tolist() == ["0", "1", "2", "all"] * 3
    assert (found.loc[found["seed"] == "all", "p_exact"] < 0.01).all()
