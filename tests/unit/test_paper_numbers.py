"""The published numbers agree with each other and with the paper's sentences (facts, sections 2 and 8)."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from sgid.paper_numbers import read_paper_numbers
from sgid.tables import published_cells

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


def test_the_34_printed_averages_are_means_to_two_decimals():
    printed = TABLE1[(TABLE1["dataset"] == "Avg") & (TABLE1["source"] == "seed")]
    means = TABLE1[TABLE1["dataset"] != "Avg"].groupby(["backbone", "method"])["accuracy"].mean()
    assert len(printed) == 34
    for row in printed.itertuples():
        assert abs(means[row.backbone, row.method] - row.accuracy) <= 0.005 + 1e-9


def test_there_are_21_difference_claims():
    assert CLAIMS["quantity"].str.contains(r"^\w+-\w+$").sum() == 21


@pytest.mark.parametrize("claim", CLAIMS[CLAIMS["backbone"] != "-"].to_dict("records"), ids=lambda row: row["id"])
def test_a_claimed_difference_is_that_of_the_averages(claim):
    better, worse = claim["quantity"].split("-")
    difference = AVERAGES[claim["backbone"], better] - AVERAGES[claim["backbone"], worse]
    assert round(difference, 2) == claim["value"]


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


def planned() -> list[dict]:
    groups = {"single": SINGLE, "integrated": INTEGRATED}
    return [
        {"backbone": backbone, "group": group, "row": row, "dataset": dataset, "variant": "", "method": row}
        for backbone in ("resnet50", "vit", "clip_vit")
        for group, rows in groups.items()
        for row in rows
        for dataset in NAMES
    ]


def test_marks_from_the_numbers_are_the_printed_ones_in_the_single_method_group():
    cells = published_cells(planned(), read_paper_numbers([PAPER / "table1.csv"], datasets=NAMES))
    printed = TABLE1.set_index(["backbone", "dataset", "method"])
    for cell in cells[cells["group"] == "single"].itertuples():
        marks = printed.loc[(cell.backbone, {**NAMES, "avg": "Avg"}[cell.dataset], cell.row)]
        assert (cell.best, cell.second, cell.star) == (marks["bold"], marks["underline"], marks["significant"])


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
