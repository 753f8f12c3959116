"""A table of whatever runs are there: every cell says how many, nothing incomplete is marked, averages are whole."""

import math
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered_tables import Shown, shown_rows
from small_tables import BACKBONES, DATASETS, ROWS, SEEDS, every_run, half_of, rendered

from sgid.results_table import AVERAGE
from sgid.table_formats import html_page, latex, markdown

FORMS = {"markdown": markdown, "latex": latex, "html": html_page}
randoms = st.integers(0, 10_000).map(random.Random)


def seeds_of(runs: list[dict], cell: dict) -> set[int]:
    """Seeds that count for a cell; for an average those which every data set has."""
    there = {(run["backbone"], run["method"], run["dataset"], run["seed"]) for run in runs}
    datasets = DATASETS if cell["dataset"] == AVERAGE else [cell["dataset"]]
    return {seed for seed in SEEDS if all((cell["backbone"], cell["row"], name, seed) in there for name in datasets)}


@settings(max_examples=20, deadline=None)
@given(randoms)
def test_every_format_says_how_many_runs_each_cell_has(chance):
    runs = half_of(every_run(chance), chance)
    cells, grid = rendered(runs)
    by_place = {(cell["backbone"], cell["row"], cell["dataset"]): cell for cell in cells.to_dict("records")}
    places = [(backbone, row) for backbone in BACKBONES for row in ROWS]
    for form, write in FORMS.items():
        for (backbone, row), (_, shown) in zip(places, shown_rows(write(grid), form), strict=True):
            for dataset, found in zip([*DATASETS, AVERAGE], shown, strict=True):
                done = len(seeds_of(runs, by_place[backbone, row, dataset]))
                assert bool(found.number) == (done > 0)
                assert found.count == ((done, 3) if 0 < done < 3 else None)


@settings(max_examples=20, deadline=None)
@given(randoms)
def test_the_status_of_each_cell_is_in_the_csv(chance):
    runs = half_of(every_run(chance), chance)
    for cell in rendered(runs)[0].to_dict("records"):
        done = len(seeds_of(runs, cell))
        assert (cell["n_done"], cell["n_planned"]) == (done, 3)
        assert cell["status"] == {0: "not run", 3: "measured"}.get(done, "partial")


@settings(max_examples=20, deadline=None)
@given(randoms)
def test_nothing_is_marked_where_a_competing_cell_misses_a_run(chance):
    cells = rendered(half_of(every_run(chance), chance))[0]
    assert not cells.loc[cells["status"] != "measured", ["best", "second", "star"]].any(axis=None)
    for _, part in cells.groupby(["backbone", "group", "dataset"]):
        if (part["status"] != "measured").any():
            assert not part[["best", "second", "star"]].any(axis=None)


@settings(max_examples=20, deadline=None)
@given(randoms)
def test_a_whole_column_keeps_its_marks_and_star_beside_broken_ones(chance):
    runs = every_run(chance)
    lost = chance.choice(DATASETS[1:])
    kept = [run for run in runs if run["dataset"] != lost or run["seed"] != 1]
    columns = ["backbone", "row", "mean", "best", "second", "star"]
    whole, partial = (frame[frame["dataset"] == "pets"][columns] for frame in (rendered(runs)[0], rendered(kept)[0]))
    pd.testing.assert_frame_equal(whole, partial)
    assert partial["star"].sum() == len(BACKBONES)


@settings(max_examples=20, deadline=None)
@given(randoms)
def test_an_average_is_taken_over_seeds_that_have_every_data_set(chance):
    runs = half_of(every_run(chance), chance)
    accuracies = {(run["backbone"], run["method"], run["dataset"], run["seed"]): run["accuracy"] for run in runs}
    cells = rendered(runs)[0]
    for cell in cells[cells["dataset"] == AVERAGE].to_dict("records"):
        whole = seeds_of(runs, cell)
        found = [accuracies[cell["backbone"], cell["row"], name, seed] for name in DATASETS for seed in whole]
        assert cell["mean"] == pytest.approx(sum(found) / len(found) if found else math.nan, nan_ok=True)


def test_title_and_footer_say_how_many_runs_are_missing_and_of_which_backbone():
    runs = [run for run in every_run(random.Random(0)) if run["backbone"] == "vit" or run["seed"] == 0]
    text = markdown(rendered(runs)[1])
    assert "# Table 1 (72 of 108 runs)" in text
    assert "- Missing: 36 of 108 runs (Resnet50 36). Which: status not run in table1.runs.csv." in text
    assert "nothing is marked" in text


def test_a_whole_table_says_nothing_of_missing_runs():
    text = markdown(rendered(every_run(random.Random(0)))[1])
    assert "Missing" not in text
    assert "(k/n)" not in text


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_of_the_drawn_world_says_so_in_every_format(form):
    chance = random.Random(0)
    cells, grid = rendered(every_run(chance, miniature=True))
    assert set(cells["status"]) == {"miniature"}
    assert all(cell.miniature for _, row in shown_rows(FORMS[form](grid), form) for cell in row)
    assert grid.title.startswith("Miniature: ")


def test_a_partial_cell_of_the_drawn_world_is_partial():
    chance = random.Random(0)
    cells = rendered(half_of(every_run(chance, miniature=True), chance))[0]
    assert set(cells["status"]) == {"partial", "not run", "miniature"}


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_partial_number_is_counted_beside_the_papers_too(form):
    runs = [run for run in every_run(random.Random(0)) if run["seed"] < 2]
    rows = shown_rows(FORMS[form](rendered(runs)[1]), form, table=1)
    assert all(cell.count == (2, 3) for _, cells in rows for cell in cells)


def test_latex_has_the_papers_numbers_in_a_table_of_their_own():
    rows = shown_rows(latex(rendered(every_run(random.Random(0)))[1]), "latex", table=1)
    assert {cell.number for _, cells in rows for cell in cells} == {"60.00"}


def test_no_run_at_all_renders_in_every_format():
    for form, write in FORMS.items():
        rows = shown_rows(write(rendered([])[1]), form)
        assert {cell for _, cells in rows for cell in cells} == {Shown("")}
