import math
from pathlib import Path

import pandas as pd
import pytest
from rated_kit import items, key
from test_rating_means import frame

from sgid.matrix import Matrix
from sgid.rating_means import agreement, long_ratings, mean_scores
from sgid.rating_notes import published_notes, rating_notes, rating_title
from sgid.rating_plan import HumanEvaluations
from sgid.rating_simulation import simulate_sheet
from sgid.rating_tables import (
    accuracy_numbers,
    lay_out_ratings,
    our_cells,
    published_numbers,
    rating_cells,
    score_numbers,
    stamped,
)
from sgid.results_table import long_form
from sgid.table_formats import html_page, latex, markdown
from sgid.tables import Grid

ROOT = Path(__file__).parents[2]
LAYOUT = {
    "title": "Human evaluation",
    "rows": {"ra": "RandAugment", "sgid": "SGID"},
    "datasets": {"pets": "Pets", "dtd": "DTD"},
    "paper_names": {"pets": "Pets", "dtd": "DTD"},
    "annotators": 3,
    "backbone": "resnet50",
    "backbone_title": "ResNet-50",
    "accuracy_table": "table1",
    "accuracy_names": {"pets": "Pets", "dtd": "DTD"},
}
RATINGS = frame(
    {("pets", "x", "ra"): [(5, 1), (4, 2)], ("pets", "x", "sgid"): [(3, 3), (4, 4)]}
    | {("pets", "y", "ra"): [(4, 1), (4, 1)], ("pets", "y", "sgid"): [(2, 3), (3, 5)]}
)


@pytest.fixture
def evaluations(paper_config) -> HumanEvaluations:
    return HumanEvaluations(Matrix(paper_config))


def accuracies(values: dict[tuple[str, str], list[float]], *, miniature: bool = False) -> pd.DataFrame:
    cells = [
        {"backbone": "resnet50", "group": "", "row": row, "dataset": dataset, "variant": "", "method": row}
        for row in LAYOUT["rows"]
        for dataset in LAYOUT["datasets"]
    ]
    runs = [
        {"backbone": "resnet50", "method": row, "dataset": dataset, "seed": seed, "accuracy": value, "seconds": 1.0}
        | {"miniature": miniature, "noise_rate": None, "provenance": {"commit": "abc", "dirty": False}}
        for (row, dataset), numbers in values.items()
        for seed, value in enumerate(numbers)
    ]
    return long_form(runs, cells, table="table1", seeds=[0, 1])


def grid_of(ratings: pd.DataFrame, *, paper: dict | None = None, runs: pd.DataFrame | None = None) -> Grid:
    scores, alphas = mean_scores(ratings, rows=LAYOUT["rows"], datasets=LAYOUT["datasets"]), agreement(ratings)
    runs = accuracies({}) if runs is None else runs
    ratings, numbers = stamped(ratings, runs), score_numbers(scores, annotators=3) | accuracy_numbers(runs)
    cells = our_cells(numbers, paper or {}, ratings, layout=LAYOUT)
    notes = rating_notes(ratings, alphas, layout=LAYOUT)
    return lay_out_ratings(cells, layout=LAYOUT, title=rating_title(LAYOUT["title"], ratings), notes=notes)


def published_grid(evaluations: HumanEvaluations) -> Grid:
    layout = evaluations.layout("table2")
    numbers = published_numbers([ROOT / path for path in evaluations.paper("table2")], layout=layout)
    return lay_out_ratings(
        rating_cells(numbers, {}, layout=layout), layout=layout, title="Table 2", notes=published_notes(layout)
    )


def test_the_papers_table_2_is_rendered_cell_for_cell(evaluations):
    # Typed from the paper once more, so that neither the CSV nor the renderer is its own witness.
    printed = {
        "RandAugment": "4.49 1.30 4.51 1.50 4.70 1.34 4.57 1.38 63.03",
        "SGID": "4.07 1.99 4.40 1.76 4.52 1.98 4.33 1.91 **67.92**",
        "SGID+DC": "3.56 2.33 3.33 2.71 3.76 2.58 3.55 2.54 <ins>66.20</ins>",
        "Text2Img": "1.67 4.56 1.27 4.87 1.41 4.62 1.45 4.68 64.76",
    }
    lines = [
        line.strip("| ").split(" | ") for line in markdown(published_grid(evaluations)).splitlines() if "|" in line
    ]
    assert {name: " ".join(cells) for name, *cells in lines[2:]} == printed


def test_the_published_files_hold_the_same_numbers(evaluations):
    paper = ROOT / "config" / "paper"
    layout = evaluations.layout("table2")
    numbers = published_numbers([ROOT / path for path in evaluations.paper("table2")], layout=layout)
    ids = {name: dataset for dataset, name in layout["paper_names"].items()} | {"Avg": "avg"}
    for row in pd.read_csv(paper / "table2.csv").itertuples():
        for measure in ("consistency", "diversity"):
            assert round(numbers[row.method, ids[row.dataset], measure]["mean"], 2) == getattr(row, measure)
    for row in pd.read_csv(paper / "table2_avg_performance.csv").itertuples():
        assert round(numbers[row.method, "accuracy", ""]["mean"], 2) == row.resnet50_avg_accuracy


def test_the_papers_average_stands_beside_the_same_data_sets_only(evaluations):
    layout, paths = evaluations.layout("table2"), [ROOT / path for path in evaluations.paper("table2")]
    two = layout | {"datasets": {"pets": "Pets", "dtd": "DTD"}, "paper_names": {"pets": "Pets", "dtd": "DTD"}}
    assert published_numbers(paths, layout=two)["ra", "avg", "consistency"]["mean"] == (4.70 + 4.51) / 2
    more = two | {"datasets": {**two["datasets"], "cars": "Cars"}}
    assert ("ra", "avg", "consistency") not in published_numbers(paths, layout=more)


def test_columns_stand_as_in_the_paper(evaluations):
    columns = published_grid(evaluations).columns
    assert [measure for _, measure in columns] == ["Con.", "Div."] * 4 + [""]
    assert [name for name, _ in columns][-3:] == ["Avg.", "Avg.", "Avg. Performance"]
    assert r"\multicolumn{2}{c}{Avg.} & \multicolumn{1}{c}{Avg. Performance} \\" in latex(published_grid(evaluations))


def test_a_score_has_its_interval_and_the_sheets_of_those_planned():
    cell = grid_of(RATINGS).blocks[0].groups[0].rows[0].cells[0]
    assert (cell.mean, cell.n_done, cell.n_planned) == (4.25, 2, 3)
    assert cell.std == pytest.approx(0.25 * 12.706, abs=1e-3)  # t of one degree of freedom times the standard error


def test_a_data_set_without_a_sheet_has_a_gap_and_so_has_the_average():
    first = grid_of(RATINGS).blocks[0].groups[0].rows[0]
    assert [math.isnan(cell.mean) for cell in first.cells] == [False, False, *[True] * 5]


def test_only_accuracies_are_marked():
    runs = accuracies({("ra", "pets"): [70, 71], ("ra", "dtd"): [30, 31], ("sgid", "pets"): [75, 76]})
    grid = grid_of(RATINGS, runs=runs)
    marks = [(cell.best, cell.second) for row in grid.blocks[0].groups[0].rows for cell in row.cells[:-1]]
    assert set(marks) == {(False, False)}
    last = [row.cells[-1] for row in grid.blocks[0].groups[0].rows]
    assert last[0].mean == 50.5
    assert math.isnan(last[1].mean)  # no run on DTD, so no average
    both = accuracies({(row, name): [70 + len(row)] * 2 for row in LAYOUT["rows"] for name in LAYOUT["datasets"]})
    last = [row.cells[-1] for row in grid_of(RATINGS, runs=both).blocks[0].groups[0].rows]
    assert [(cell.best, cell.second) for cell in last] == [(False, True), (True, False)]


def test_the_paper_stands_beside_ratings_of_people_alone():
    paper = {("ra", "pets", "consistency"): {"mean": 4.7}}
    assert "4.25 (2/3) / 4.70 / −0.45" in markdown(grid_of(RATINGS, paper=paper))
    for stamp in ("simulated", "miniature"):
        assert "4.70" not in markdown(grid_of(RATINGS.assign(**{stamp: True}), paper=paper))


def test_simulated_ratings_say_so_in_title_notes_and_every_output():
    sheets = [simulate_sheet(key(items()), number) for number in (1, 2, 3)]
    ratings = long_ratings(sheets, [key(items())], allowed=1).replace({"dataset": {"shapes": "pets"}})
    grid = grid_of(ratings)
    assert grid.title == "Miniature, simulated ratings: Human evaluation"
    assert grid.notes[0].startswith("These ratings are simulated")
    for text in (markdown(grid), latex(grid), html_page(grid)):
        assert "simulated ratings" in text
    assert agreement(ratings)["simulated"].all()
    cells = our_cells({}, {}, ratings, layout=LAYOUT)
    assert cells[["simulated", "miniature"]].all(axis=None)


def test_accuracies_of_the_drawn_world_stamp_ratings_of_photographs():
    runs = accuracies({("ra", name): [70.0, 71.0] for name in LAYOUT["datasets"]}, miniature=True)
    grid = grid_of(RATINGS, paper={("ra", "accuracy", ""): {"mean": 61.23}}, runs=runs)
    assert grid.title.startswith("Miniature: ")
    assert "61.23" not in markdown(grid)
    assert any("no reproduction of the paper" in note for note in grid.notes)


@pytest.mark.parametrize(
    ("done", "stamps", "status"),
    [
        (0, {}, "not run"),
        (2, {}, "partial"),
        (3, {}, "measured"),
        (3, {"miniature": True}, "miniature"),
        (3, {"miniature": True, "simulated": True}, "simulated"),
    ],
)
def test_a_cell_says_how_far_it_is_done(done, stamps, status):
    numbers = {("ra", "pets", "consistency"): {"mean": 4.0, "n_done": done, "n_planned": 3}}
    cells = our_cells(numbers, {}, RATINGS.assign(**stamps), layout=LAYOUT)
    assert cells["status"].tolist()[0] == status


def test_ratings_of_people_carry_no_stamp():
    assert rating_title("Human evaluation", RATINGS) == "Human evaluation"
    assert not [note for note in grid_of(RATINGS).notes if "simulated" in note or "reproduction" in note]


def test_a_sheet_that_was_left_out_is_named():
    reason = "failed 3 of 4 attention checks, 1 allowed"
    out = RATINGS.assign(annotator="Bob", sheet="resources/human/table2/bob.csv", excluded=reason)
    notes = grid_of(pd.concat([RATINGS, out], ignore_index=True)).notes
    assert f"Left out: resources/human/table2/bob.csv (Bob, Pets), which {reason}." in notes
    assert "Rated: Pets (originals: 2, labels: 1, annotators: 2 of 3)." in notes


def test_a_table_of_excluded_sheets_alone_can_be_rendered():
    grid = grid_of(RATINGS.assign(excluded="failed 4 of 4 attention checks, 1 allowed"))
    assert all(math.isnan(cell.mean) for row in grid.blocks[0].groups[0].rows for cell in row.cells)
    assert "Rated: nothing." in grid.notes


def test_the_footer_tells_the_agreement_or_why_there_is_none():
    assert any(note.startswith("Agreement, Krippendorff's ordinal alpha: Pets 0.") for note in grid_of(RATINGS).notes)
    alone = RATINGS[RATINGS["annotator"] == "a0"]
    assert any("undefined, one annotator (consistency)" in note for note in grid_of(alone).notes)


def test_without_accuracies_there_is_no_such_column():
    layout = LAYOUT | {"backbone": ""}
    cells = rating_cells({}, {}, layout=layout)
    assert set(cells["dataset"]) == {"pets", "dtd", "avg"}


def test_one_data_set_has_no_average():
    layout = LAYOUT | {"datasets": {"pets": "Pets"}}
    assert list(rating_cells({}, {}, layout=layout)["dataset"].unique()) == ["pets", "accuracy"]


def test_equal_ratings_are_equal_bytes():
    assert html_page(grid_of(RATINGS)) == html_page(grid_of(RATINGS))
