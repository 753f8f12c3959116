import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.results_table import AVERAGE, long_form
from sgid.significance import compare_with_best
from sgid.table_formats import (
    HTML,
    LATEX,
    MARKDOWN,
    beside_paper_text,
    cell_text,
    html_page,
    latex,
    markdown,
    paper_text,
)
from sgid.table_notes import notes_of
from sgid.tables import Cell, Grid, lay_out, ranks, table_cells, table_title

STAR = {"row": "sgid", "against": ["ra"]}
TITLES = {
    "rows": {"backbone": "Backbone", "ra": "+ RA", "sgid": "+ SGID", "sgid_ra": "+ SGID & RA"},
    "datasets": {"pets": "Pets", "dtd": "DTD"},
    "backbones": {"vit": "ViT", "resnet50": "ResNet-50"},
}
NO_PAPER = pd.DataFrame(columns=["backbone", "row", "variant", "dataset", "accuracy", "significant"])
GROUPS = {"backbone": "backbone", "ra": "single", "sgid": "single", "sgid_ra": "integrated"}


def runs_of(accuracies: dict, *, planned: int = 2, commits: tuple[str, ...] = ("abc",), **changes: object):
    """Long form from {(backbone, row, dataset[, variant]): accuracies by seed}."""
    cells, runs = [], []
    for (backbone, row, dataset, *variant), values in accuracies.items():
        names = {"backbone": backbone, "dataset": dataset, "method": f"{row}{''.join(variant)}"}
        cells.append({**names, "group": GROUPS[row], "row": row, "variant": "".join(variant)})
        for seed, accuracy in enumerate(values):
            origin = {"provenance": {"commit": commits[seed % len(commits)], "dirty": False}, "noise_rate": None}
            run = {**names, "seed": seed, "accuracy": accuracy, "miniature": False, "seconds": 1.0}
            runs.append(run | origin | changes)
    return long_form(runs, cells, table="table1", seeds=list(range(planned)))


def grid_of(runs: pd.DataFrame, paper: pd.DataFrame = NO_PAPER) -> Grid:
    tests = compare_with_best(runs, STAR)
    notes = notes_of(runs, tests, star=STAR, titles=TITLES)
    title = table_title("Table 1", runs)
    return lay_out(table_cells(runs, tests, paper), titles=TITLES, title=title, notes=notes)


def published(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    records = [(backbone, row, "", dataset, accuracy, False) for backbone, row, dataset, accuracy in rows]
    return pd.DataFrame(records, columns=NO_PAPER.columns)


def cell(**changes: float | bool) -> Cell:
    blank = {"std": math.nan, "n_done": 5, "n_planned": 5, "best": False, "second": False, "star": False}
    return Cell(**{"mean": 75.716, **blank, "paper": math.nan, "difference": math.nan} | changes)


SMALL = {("vit", "ra", "pets"): [70, 71], ("vit", "sgid", "pets"): [75, 77], ("vit", "sgid_ra", "pets"): [80]}


def test_ranks_follow_the_printed_digits():
    assert list(ranks(pd.Series([92.661, 92.659, 92.59]))) == [1, 1, 2]


def test_a_number_half_way_is_printed_ranked_and_compared_alike():
    # 85.955 is a little less in binary: formatting alone prints 85.95 of what is compared as 85.96.
    accuracies = {("vit", "ra", "pets"): [85.95, 85.96], ("vit", "sgid", "pets"): [85.96, 85.96]}
    grid = grid_of(runs_of(accuracies), published(("vit", "ra", "pets", 85.96), ("vit", "sgid", "pets", 85.96)))
    ours = [row.cells[0] for row in grid.blocks[0].groups[0].rows]
    assert [beside_paper_text(each, MARKDOWN) for each in ours] == ["85.96 / 85.96 / 0.00"] * 2
    assert [each.best for each in ours] == [True, True]


def test_an_average_stands_beside_the_papers_only_where_both_are_of_the_same_data_sets():
    runs = runs_of({("vit", "ra", name): [70, 72] for name in ("pets", "dtd", "mine")})
    paper = published(*(("vit", "ra", name, 60.0) for name in ("pets", "dtd", AVERAGE)))
    cells = table_cells(runs, compare_with_best(runs, STAR), paper).set_index("dataset")
    assert cells["paper"].notna().to_dict() == {"pets": True, "dtd": True, "mine": False, AVERAGE: False}


def test_one_competitor_has_no_rank():
    assert ranks(pd.Series([92.66, math.nan])).isna().all()


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=12))
def test_exactly_the_numbers_equal_to_the_maximum_are_best(hundredths):
    means = pd.Series([value / 100 for value in hundredths])
    assert list(ranks(means).eq(1)) == [value == max(hundredths) for value in hundredths]


def test_marks_are_given_within_a_group():
    cells = table_cells(runs_of(SMALL), compare_with_best(runs_of(SMALL), None), NO_PAPER).set_index("row")
    assert cells["best"].to_dict() == {"ra": False, "sgid": True, "sgid_ra": False}
    assert cells["second"].to_dict() == {"ra": True, "sgid": False, "sgid_ra": False}


def test_variants_of_a_data_set_compete_together():
    runs = runs_of({("vit", "ra", "pets", "PW"): [70], ("vit", "ra", "pets", "w/o PW"): [71]}, planned=1)
    cells = table_cells(runs, compare_with_best(runs, None), NO_PAPER)
    assert list(cells["best"]) == [False, True]


def test_the_star_comes_from_the_tests():
    runs = runs_of({("vit", "ra", "pets"): [70, 71, 70], ("vit", "sgid", "pets"): [75, 76.2, 75]}, planned=3)
    cells = table_cells(runs, compare_with_best(runs, STAR), NO_PAPER).set_index("row")
    assert cells["star"].to_dict() == {"ra": False, "sgid": True}


def test_the_difference_is_the_one_that_the_printed_numbers_have():
    runs = runs_of({("vit", "sgid", "pets"): [75.005]}, planned=1)
    cells = table_cells(runs, compare_with_best(runs, None), published(("vit", "sgid", "pets", 74.5)))
    assert cells["difference"][0] == 0.51
    assert cell_text(cell(mean=75.005), MARKDOWN) == "75.01"


def test_the_paper_does_not_stand_beside_a_miniature():
    runs = runs_of(SMALL, miniature=True)
    cells = table_cells(runs, compare_with_best(runs, None), published(("vit", "sgid", "pets", 74.5)))
    assert cells["paper"].isna().all()


def test_the_average_is_the_last_column():
    runs = runs_of({("vit", "ra", "pets"): [70], ("vit", "ra", "dtd"): [30]}, planned=1)
    grid = grid_of(runs)
    assert [dataset for dataset, _ in grid.columns] == ["Pets", "DTD", "Avg."]
    assert grid.blocks[0].groups[0].rows[0].cells[-1].mean == 50


def test_one_data_set_has_no_average_column():
    assert grid_of(runs_of(SMALL)).columns == (("Pets", ""),)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "75.72"),
        ({"mean": math.nan}, "–"),
        ({"std": 0.124, "best": True, "star": True}, "**75.72**\\* ± 0.12"),
        ({"second": True, "n_done": 3}, "<ins>75.72</ins> (3/5)"),
        ({"std": 0.124, "miniature": True}, "75.72 ± 0.12 m"),
    ],
)
def test_a_markdown_cell(changes, text):
    assert cell_text(cell(**changes), MARKDOWN) == text


def test_a_latex_cell():
    text = cell_text(cell(std=0.124, best=True, star=True), LATEX)
    assert text == r"\textbf{75.72}$^{*}${\scriptsize$\pm$0.12}"


def test_an_html_cell():
    assert cell_text(cell(std=0.124, second=True), HTML) == "<u>75.72</u> <small>± 0.12</small>"


@pytest.mark.parametrize(
    ("difference", "text"),
    [(-0.12, "75.72 / 75.84 / −0.12"), (0.0, "75.72 / 75.84 / 0.00"), (math.nan, "75.72 / 75.84 / –")],
)
def test_a_cell_beside_the_paper(difference, text):
    assert beside_paper_text(cell(paper=75.84, difference=difference), MARKDOWN) == text


def test_a_cell_of_the_papers_number_in_latex_has_the_difference_behind_it():
    assert paper_text(cell(paper=75.84, difference=-0.12), LATEX) == "75.84 ($-$0.12)"


def test_the_title_counts_runs_done_of_runs_planned():
    assert table_title("Table 1", runs_of(SMALL)) == "Table 1 (5 of 6 runs)"


def test_a_miniature_says_so_first_and_in_a_sentence():
    grid = grid_of(runs_of(SMALL, miniature=True))
    assert grid.title.startswith("Miniature: ")
    assert "no reproduction of the paper" in grid.notes[0]


def test_runs_of_mixed_commits_are_warned_about():
    assert any(
        note.startswith("Warning: these runs come from 2") for note in grid_of(runs_of(SMALL, commits=("a", "b"))).notes
    )


def test_runs_of_a_dirty_tree_are_warned_about():
    dirty = runs_of(SMALL, provenance={"commit": "abc", "dirty": True})
    assert "Warning: 5 runs were made with uncommitted changes in the tree." in grid_of(dirty).notes


def test_runs_of_one_clean_commit_are_not_warned_about():
    assert not any("Warning" in note for note in grid_of(runs_of(SMALL)).notes)


def test_the_footer_says_how_many_columns_have_a_star_and_why_others_cannot():
    footer = " ".join(grid_of(runs_of({("vit", "ra", "pets"): [70], ("vit", "sgid", "pets"): [71]})).notes)
    assert "Starred: 0 of 1 columns. Not testable: 1 (n < 2)." in footer


def test_markdown_has_the_paper_below_only_where_there_is_one():
    runs = runs_of(SMALL)
    assert "Ours / paper / difference" not in markdown(grid_of(runs))
    assert "76.00 / 74.50 / +1.50" in markdown(grid_of(runs, published(("vit", "sgid", "pets", 74.5))))


def test_every_markdown_line_of_a_table_has_the_same_number_of_columns():
    both = SMALL | {("resnet50", *key[1:]): values for key, values in SMALL.items()}
    lines = [line for line in markdown(grid_of(runs_of(both))).splitlines() if line.startswith("|")]
    assert {line.count(" |") for line in lines} == {3}


def test_the_backbone_has_a_column_only_where_there_are_several():
    both = SMALL | {("resnet50", *key[1:]): values for key, values in SMALL.items()}
    assert "| Backbone | Method |" in markdown(grid_of(runs_of(both)))
    assert "- ViT. Test accuracy" in markdown(grid_of(runs_of(SMALL)))


def test_latex_escapes_titles_and_keeps_every_row_equally_wide():
    text = latex(grid_of(runs_of(SMALL)))
    assert r"+ SGID \& RA & 80.00 (1/2) \\" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1


def test_latex_groups_variants_under_their_data_set():
    runs = runs_of({("vit", "ra", "pets", "PW"): [70], ("vit", "ra", "pets", "w/o PW"): [71]}, planned=1)
    assert r" & \multicolumn{2}{c}{Pets} \\" + "\n" + r"\cmidrule(lr){2-3}" in latex(grid_of(runs))


def test_html_is_one_file_and_escapes_titles():
    page = html_page(grid_of(runs_of(SMALL)))
    assert "+ SGID &amp; RA" in page
    assert "http" not in page


def test_html_tables_have_captions_and_every_heading_says_what_it_heads():
    both = SMALL | {("resnet50", *key[1:]): values for key, values in SMALL.items()}
    page = html_page(grid_of(runs_of(both), published(("vit", "sgid", "pets", 74.5))))
    assert page.count("<table>") == page.count("<caption") == page.count('role="region" tabindex="0"') == 2
    assert not re.search(r"<th\b(?![^>]* scope=)", page)
    assert not re.search(r"<th[^>]*></th>", page)
    assert '<th scope="rowgroup" rowspan="3" class="backbone">ResNet-50</th>' in page
    assert '<th scope="row" class="name">+ SGID</th>' in page
    assert '<html lang="en">' in page
    assert '<meta name="viewport"' in page


def test_html_heads_of_variants_stand_over_their_columns():
    runs = runs_of({("vit", "ra", "pets", "PW"): [70], ("vit", "ra", "pets", "w/o PW"): [71]}, planned=1)
    page = html_page(grid_of(runs))
    assert '<th scope="colgroup" colspan="2">Pets</th>' in page
    assert '<th scope="col">w/o PW</th>' in page


def test_the_footer_explains_the_short_names_that_are_shown():
    notes = grid_of(runs_of({("vit", "ra", "dtd", "PW"): [70], ("vit", "ra", "dtd", "w/o PW"): [71]}, planned=1)).notes
    assert "RA: RandAugment; DTD: Describable Textures; PW: prompt weighting." in notes


def test_the_footer_explains_nothing_where_no_name_is_short():
    assert not any("RandAugment" in note for note in grid_of(runs_of({("vit", "sgid", "pets"): [70]})).notes)


def test_equal_inputs_are_equal_bytes():
    assert html_page(grid_of(runs_of(SMALL))) == html_page(grid_of(runs_of(SMALL)))


def test_a_table_without_any_run_can_be_rendered():
    text = markdown(grid_of(runs_of({cell: [] for cell in SMALL})))
    assert "(0 of 6 runs)" in text
    assert "No run is done yet." in text


def test_an_average_of_a_partial_row_says_so():
    runs = runs_of({("vit", "ra", "pets"): [70, 72], ("vit", "ra", "dtd"): [30]})
    cells = table_cells(runs, compare_with_best(runs, None), NO_PAPER).set_index("dataset")
    assert cells.loc[AVERAGE, ["mean", "n_done", "status"]].tolist() == [50, 1, "partial"]
