"""The published numbers agree with each other and with the paper's sentences (facts, sections 2 and 8)."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from rendered_tables import Shown, published_grid, shown_rows
from scipy import stats

from sgid.matrix import Matrix
from sgid.paper_numbers import read_paper_numbers
from sgid.table_formats import html_page, latex, markdown

PAPER = Path(__file__).parents[2] / "config" / "paper"
NAMES = {
    "cifar100": "CIFAR-100", "cifar10": "CIFAR-10", "caltech101": "Caltech101", "cars": "Cars",
    "flowers102": "Flowers", "pets": "Pets", "dtd": "DTD",
}  # fmt: skip
SINGLE = ["re", "cutmix", "moex", "ra", "text2img", "sgid", "sgid_dc", "sgid_ip"]
INTEGRATED = ["sgid_moex", "sgid_ra", "text2img_sgid"]
TABLE1 = pd.read_csv(PAPER / "table1.csv")
CLAIMS = pd.read_csv(PAPER / "claims.csv")
AVERAGES = TABLE1[TABLE1["dataset"] == "Avg"].set_index(["backbone", "method"])["accuracy"]
COLUMNS = list(TABLE1[["backbone", "dataset"]].drop_duplicates().itertuples(index=False, name=None))


def column(backbone: str, dataset: str) -> pd.DataFrame:
    return TABLE1[(TABLE1["backbone"] == backbone) & (TABLE1["dataset"] == dataset)].set_index("method")


def test_table_1_is_complete():
    assert len(TABLE1) == 3 * 12 * 8
    assert len(COLUMNS) == 24


def test_the_34_printed_averages_are_means_to_two_decimals():
    printed = TABLE1[(TABLE1["dataset"] == "Avg") & (TABLE1["source"] == "seed")]
    means = TABLE1[TABLE1["dataset"] != "Avg"].groupby(["backbone", "method"])["accuracy"].mean()
    assert len(printed) == 34
    for row in printed.itertuples():
        assert abs(means[row.backbone, row.method] - row.accuracy) <= 0.005 + 1e-9


def test_there_are_21_difference_claims():
    assert CLAIMS["quantity"].str.contains(r"^\w+-\w+$").sum() == 21


@pytest.mark.parametrize(("backbone", "dataset"), COLUMNS)
def test_a_star_stands_where_sgid_is_above_its_best_baseline(backbone, dataset):
    numbers = column(backbone, dataset)
    best = max(numbers.loc[name, "accuracy"] for name in SINGLE if name != "sgid")
    assert bool(numbers.loc["sgid", "significant"]) == (numbers.loc["sgid", "accuracy"] > best)


def test_figure_1_repeats_table_1():
    figure = pd.read_csv(PAPER / "figure1.csv")
    for row in figure[figure["dataset"] != "Avg"].itertuples():
        assert column("vit", row.dataset).loc[row.method, "accuracy"] == row.accuracy


def test_the_gains_of_figure_1_are_differences_to_the_backbone():
    figure = pd.read_csv(PAPER / "figure1.csv").set_index(["dataset", "method"])
    for (dataset, _), row in figure.dropna(subset="gain_over_backbone").iterrows():
        gain = row["accuracy"] - figure.loc[(dataset, "backbone"), "accuracy"]
        assert round(gain, 2) == row["gain_over_backbone"]


def test_the_averages_of_figure_1_are_means_of_its_four_data_sets():
    figure = pd.read_csv(PAPER / "figure1.csv")
    printed = figure[figure["dataset"] == "Avg"].set_index("method")["accuracy"]
    means = figure[figure["dataset"] != "Avg"].groupby("method")["accuracy"].mean()
    assert (means - printed).abs().max() <= 0.005 + 1e-9


@pytest.mark.parametrize("measure", ["consistency", "diversity"])
def test_the_averages_of_table_2_are_means(measure):
    table = pd.read_csv(PAPER / "table2.csv")
    printed = table[table["dataset"] == "Avg"].set_index("method")[measure]
    means = table[table["dataset"] != "Avg"].groupby("method")[measure].mean()
    assert (means - printed).abs().max() <= 0.005 + 1e-9


def test_table_2_repeats_the_resnet_averages_of_table_1():
    table = pd.read_csv(PAPER / "table2_avg_performance.csv").set_index("method")["resnet50_avg_accuracy"]
    assert table.to_dict() == {method: AVERAGES["resnet50", method] for method in table.index}


def test_the_complete_prompt_of_table_3_is_the_best_cell_of_table_4():
    prompts, captions = pd.read_csv(PAPER / "table3.csv"), pd.read_csv(PAPER / "table4.csv")
    complete = prompts[prompts["prompt"] == "complete"].set_index("dataset")["accuracy"]
    best = captions.groupby("dataset")["accuracy"].max()
    assert complete[best.index].to_dict() == best.to_dict()


@pytest.mark.parametrize(("backbone", "p"), [("resnet50", 0.023), ("vit", 0.053), ("clip_vit", 0.081)])
def test_across_data_sets_only_the_resnet_gain_is_significant_two_sided(backbone, p):
    rows = TABLE1[(TABLE1["backbone"] == backbone) & (TABLE1["dataset"] != "Avg")].pivot(
        index="dataset", columns="method", values="accuracy"
    )
    assert stats.ttest_rel(rows["sgid"], rows["sgid_dc"]).pvalue == pytest.approx(p, abs=5e-4)


# Where the printed mark is not what the printed numbers give: what the paper prints, and what it should (facts, 2).
NONE, BEST, SECOND = (False, False), (True, False), (False, True)
MISPRINTS = {
    ("resnet50", "CIFAR-100", "sgid_moex"): (NONE, SECOND),
    ("resnet50", "CIFAR-100", "sgid_ra"): (SECOND, BEST),
    ("resnet50", "CIFAR-10", "sgid_moex"): (SECOND, BEST),
    ("resnet50", "CIFAR-10", "sgid_ra"): (NONE, SECOND),
    ("resnet50", "Cars", "text2img_sgid"): (NONE, SECOND),
}
FORMS = {"markdown": markdown, "latex": latex, "html": html_page}


@pytest.fixture(scope="module")
def published(paper_config):
    return partial(published_grid, Matrix(paper_config))


def printed_row(backbone: str, method: str, *, computed: bool = True) -> list[Shown]:
    """One row of Table 1 as the paper prints it, with the marks that it should have where `computed`."""
    rows = TABLE1[(TABLE1["backbone"] == backbone) & (TABLE1["method"] == method)]
    cells = []
    for row in rows.to_dict("records"):
        marks = bool(row["bold"]), bool(row["underline"])
        printed, right = MISPRINTS.get((backbone, row["dataset"], method), (marks, marks))
        assert printed == marks
        best, second = right if computed else printed
        cells.append(Shown(f"{row['accuracy']:.2f}", best, second, bool(row["significant"])))
    return cells


@pytest.mark.parametrize("form", FORMS)
def test_table_1_is_the_papers_cell_for_cell(published, form):
    rows = shown_rows(FORMS[form](published("table1")), form)
    expected = [
        printed_row(backbone, method)
        for backbone in ("resnet50", "vit", "clip_vit")
        for method in ["backbone", *SINGLE, *INTEGRATED]
    ]
    assert [cells for _, cells in rows] == expected


def test_exactly_five_printed_marks_are_not_what_the_numbers_give(published):
    rows = iter(shown_rows(markdown(published("table1")), "markdown"))
    wrong = {
        (backbone, list(NAMES.values())[place], method): ((printed.best, printed.second), (ours.best, ours.second))
        for backbone in ("resnet50", "vit", "clip_vit")
        for method in ["backbone", *SINGLE, *INTEGRATED]
        for place, (ours, printed) in enumerate(
            zip(next(rows)[1], printed_row(backbone, method, computed=False), strict=True)
        )
        if ours != printed
    }
    assert wrong == MISPRINTS
    assert len(wrong) == 5


def test_table_1_has_the_papers_heads_and_rows(published):
    grid = published("table1")
    heads = ["C-100", "C-10", "Cal101", "Cars", "Flowers", "Pets", "DTD", "Avg."]
    assert [dataset for dataset, _ in grid.columns] == heads
    titles = ["Backbone", "+ RE", "+ CutMix", "+ MoEx", "+ RA", "+ Text2Img", "+ SGID", "+ DC", "+ IP"]
    titles += ["+ SGID & MoEx", "+ SGID & RA", "+ Text2Img & SGID"]
    for block in grid.blocks:
        assert [row.title for group in block.groups for row in group.rows] == titles


@pytest.mark.parametrize("form", FORMS)
def test_table_3_is_the_papers_cell_for_cell(published, form):
    prompts = pd.read_csv(PAPER / "table3.csv")
    titles = ["w/o Prompt", "+ Caption Only", "+ Label Only", "+ Complete Prompt"]
    expected = [
        [Shown(f"{row.accuracy:.2f}", bool(row.bold), bool(row.underline)) for row in part.itertuples()]
        for _, part in prompts.groupby("prompt", sort=False)
    ]
    assert shown_rows(FORMS[form](published("table3")), form) == list(zip(titles, expected, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_table_4_is_the_papers_cell_for_cell_and_its_second_best_are_ours(published, form):
    captions = pd.read_csv(PAPER / "table4.csv")
    titles = {"beam": "Beam", "nucleus": "Nucleus", "clip_filter": "Caption Filter"}
    expected = [
        (titles[strategy], [(f"{row.accuracy:.2f}", bool(row.bold)) for row in part.itertuples()])
        for strategy, part in captions.groupby("caption_strategy", sort=False)
    ]
    rows = shown_rows(FORMS[form](published("table4")), form)
    assert [(title, [(cell.number, cell.best) for cell in cells]) for title, cells in rows] == expected
    # The paper underlines nothing in this table; the second best of each data set, both variants together, is ours.
    assert [cell.number for _, cells in rows for cell in cells if cell.second] == ["75.60", "37.47", "75.70"]


@pytest.mark.parametrize(("table", "averaged"), [("table1", True), ("table3", False), ("table4", False)])
def test_only_a_table_that_prints_averages_shows_them(published, table, averaged):
    assert ("Avg." in [dataset for dataset, _ in published(table).columns]) == averaged


@pytest.mark.parametrize("claim", CLAIMS[CLAIMS["backbone"] != "-"].to_dict("records"), ids=lambda row: row["id"])
def test_a_claimed_difference_is_that_of_the_averages(published, claim):
    """As the renderer prints them; the 34 printed averages and the two recomputed ones are in its last column."""
    block = {"resnet50": 0, "vit": 1, "clip_vit": 2}[claim["backbone"]]
    rows = shown_rows(markdown(published("table1")), "markdown")[12 * block : 12 * (block + 1)]
    averages = dict(
        zip(["backbone", *SINGLE, *INTEGRATED], [float(cells[-1].number) for _, cells in rows], strict=True)
    )
    better, worse = claim["quantity"].split("-")
    assert round(averages[better] - averages[worse], 2) == claim["value"]


@pytest.mark.parametrize(
    ("table", "row", "variant", "dataset", "accuracy"),
    [
        ("table3", "sgid_no_prompt", "", "pets", 55.76),
        ("table3", "sgid", "", "cars", 84.31),
        ("table4", "sgid_filter", "w/o PW", "dtd", 32.44),
        ("table4", "sgid", "PW", "cifar100", 75.72),
        ("figure1", "sgid_dc", "", "flowers102", 97.12),
    ],
)
def test_published_rows_are_found_under_our_names(table, row, variant, dataset, accuracy):
    numbers = read_paper_numbers([PAPER / f"{table}.csv"], datasets=NAMES)
    found = numbers.set_index(["row", "variant", "dataset"])["accuracy"]
    assert found[row, variant, dataset] == accuracy


def test_the_average_is_of_the_data_sets_asked_for():
    numbers = read_paper_numbers([PAPER / "table3.csv"], datasets={"pets": "Pets", "dtd": "DTD"})
    average = numbers[numbers["dataset"] == "avg"].set_index("row")["accuracy"]
    assert average["sgid"] == pytest.approx((76.15 + 37.55) / 2)


def test_no_file_gives_no_numbers():
    assert read_paper_numbers([], datasets=NAMES).empty
