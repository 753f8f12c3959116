import math
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from sgid.cost_figure import price
from sgid.figure_frames import (
    class_frame,
    cost_frame,
    curve_frame,
    extremes,
    noise_frame,
    published_similarity,
)
from sgid.results_table import long_form
from sgid.runtime import write_json

CHOICE = {
    "dataset": "pets",
    "recipe": "sgid_five",
    "chosen": {"noise_rate": "0.5"},
    "candidates": [
        {"noise_rate": "0.3", "seeds": [0, 1], "accuracies": [70.0, 72.0]},
        {"noise_rate": "0.5", "seeds": [0, 1], "accuracies": [71.0, 75.0]},
    ],
}


def cell(row: str, *, dataset: str = "pets", method: str | None = None) -> dict:
    return {"backbone": "vit", "group": "", "row": row, "dataset": dataset, "variant": "", "method": method or row}


def run(
    method: str, seed: int, *, dataset: str = "pets", accuracy: float = 50.0, seconds: float = 10.0, **more
) -> dict:
    names = {"backbone": "vit", "dataset": dataset, "method": method, "seed": seed, "miniature": False}
    origin = {"noise_rate": None, "provenance": {"commit": "abc", "dirty": False}}
    return names | origin | {"accuracy": accuracy, "seconds": seconds} | more


def of_classes(method: str, seed: int, **accuracies: float) -> dict:
    return run(method, seed, per_class_accuracy=accuracies)


def test_every_candidate_is_a_row_under_the_figures_own_name_for_its_recipe():
    frame = noise_frame([CHOICE], rows={"sgid_five": "sgid"}, miniature=True)
    assert frame["accuracy"].tolist() == [70.0, 72.0, 71.0, 75.0]
    assert frame["chosen"].tolist() == [False, False, True, True]
    assert set(frame["row"]) == {"sgid"}
    assert frame["miniature"].all()


def test_no_candidates_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="no candidates of any noise rate; name a recipe"):
        noise_frame([], rows={}, miniature=False)


def test_a_classs_gain_is_the_mean_of_paired_differences_with_its_t_interval():
    ours, theirs = [80.0, 83.0, 90.0], [75.0, 81.0, 82.0]
    runs = [of_classes("sgid", seed, cat=value) for seed, value in enumerate(ours)]
    runs += [of_classes("backbone", seed, cat=value) for seed, value in enumerate(theirs)]
    frame = class_frame(runs, [cell("backbone"), cell("sgid")], base="backbone")
    assert frame["gain"].tolist() == [5.0]
    expected = stats.t.interval(0.95, 2, loc=5.0, scale=stats.sem([5.0, 2.0, 8.0]))
    assert frame[["low", "high"]].iloc[0].tolist() == pytest.approx(expected)
    assert frame[["base", "seeds"]].iloc[0].tolist() == pytest.approx([238 / 3, 3])


def test_only_seeds_of_both_sides_are_paired():
    runs = [of_classes("sgid", 0, cat=80.0), of_classes("sgid", 1, cat=10.0), of_classes("backbone", 0, cat=75.0)]
    frame = class_frame(runs, [cell("backbone"), cell("sgid")], base="backbone")
    assert frame[["gain", "seeds"]].iloc[0].tolist() == [5.0, 1]
    assert math.isnan(frame["low"].iloc[0])


def test_a_row_is_filled_by_the_method_of_its_cell():
    runs = [of_classes("sgid_label", 0, cat=80.0), of_classes("backbone", 0, cat=75.0)]
    frame = class_frame(runs, [cell("backbone"), cell("sgid", method="sgid_label")], base="backbone")
    assert frame["row"].tolist() == ["sgid"]


def test_seeds_without_a_partner_are_refused():
    runs = [of_classes("sgid", 1, cat=80.0), of_classes("backbone", 0, cat=75.0)]
    with pytest.raises(ValueError, match="vit/pets: no seed was run with and without the method"):
        class_frame(runs, [cell("backbone"), cell("sgid")], base="backbone")


@pytest.mark.parametrize("frame", [lambda: class_frame([], [], base="backbone"), lambda: curve_frame([], [])])
def test_a_figure_of_no_runs_is_refused_in_one_sentence(frame):
    with pytest.raises(ValueError, match="no runs of any row of the figure; train them first"):
        frame()


def test_the_base_alone_has_no_gains_to_show():
    with pytest.raises(ValueError, match="no runs beside those of 'backbone'"):
        class_frame([of_classes("backbone", 0, cat=75.0)], [cell("backbone")], base="backbone")


def gains(**by_class: float) -> pd.DataFrame:
    return pd.DataFrame([{"row": "sgid", "class_name": name, "gain": gain} for name, gain in by_class.items()])


def test_few_classes_are_all_shown_in_the_order_of_their_gains():
    assert extremes(gains(a=1.0, b=3.0, c=-2.0, d=0.0), row="sgid", count=2) == ["b", "a", "d", "c"]


def test_of_many_classes_the_two_ends_are_shown():
    assert extremes(gains(a=1.0, b=3.0, c=-2.0, d=0.0, e=0.5), row="sgid", count=2) == ["b", "a", "d", "c"]


def test_a_curve_has_a_row_an_epoch_and_validation_where_it_was_measured():
    curves = {"epoch": [1, 2], "train_loss": [2.0, 1.0]}
    runs = [run("sgid", 0, curves=curves), run("sgid", 1, curves=curves | {"validation_accuracy": [40.0, 60.0]})]
    frame = curve_frame(runs, [cell("sgid")])
    assert frame["train_loss"].tolist() == [2.0, 1.0, 2.0, 1.0]
    assert frame["validation_accuracy"].isna().tolist() == [True, True, False, False]


@pytest.fixture
def files(tmp_path):
    paths = {name: str(tmp_path / name) for name in ("captions.tsv", "pictures.tsv", "candidate.json")}
    for name, seconds in (("captions.tsv", 30), ("pictures.tsv", 100)):
        (tmp_path / name).write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:30\tNA\n")
    write_json({"seconds": 7.5}, paths["candidate.json"])
    return paths


def costs(files: dict[str, str], *, gain: float = 2.0) -> pd.DataFrame:
    """Two data sets; on each the method takes 30 + 100 + 7.5 seconds before it trains, then 20 instead of 10."""
    cells = [cell(row, dataset=dataset) for row in ("backbone", "sgid") for dataset in ("pets", "dtd")]
    runs = [
        run(
            method, seed, dataset=dataset, accuracy=50.0 + seed + extra * (gain + seed / 10), seconds=10.0 * (1 + extra)
        )
        for dataset in ("pets", "dtd")
        for extra, method in enumerate(("backbone", "sgid"))
        for seed in (0, 1)
    ]
    stages = {"captions.tsv": "captions", "pictures.tsv": "pictures", "candidate.json": "choice of noise"}
    ledger = [
        {"backbone": "vit", "row": "sgid", "dataset": dataset, "stage": stage, "path": files[name]}
        for dataset in ("pets", "dtd")
        for name, stage in stages.items()
    ]
    return cost_frame(long_form(runs, cells, table="figure_cost", seeds=[0, 1]), ledger, base="backbone")


def test_costs_are_summed_over_data_sets_and_training_is_a_mean_over_seeds(files):
    frame = costs(files).set_index("row")
    stages = ["captions", "pictures", "choice of noise", "training"]
    assert frame.loc["sgid", stages].tolist() == [60.0, 200.0, 15.0, 40.0]
    assert frame.loc["backbone", stages].tolist() == [0.0, 0.0, 0.0, 20.0]


def test_the_price_of_a_point_is_the_extra_time_over_the_gain(files):
    row = costs(files).set_index("row").loc["sgid"]
    assert row["extra"] == pytest.approx(315 - 20)
    assert row["gain"] == pytest.approx(2.05)
    assert row["per_point"] == pytest.approx(295 / 2.05)
    low, high = stats.t.interval(0.95, 1, loc=2.05, scale=0.05)
    assert [row["per_point_low"], row["per_point_high"]] == pytest.approx([295 / high, 295 / low])


def test_no_gain_has_no_price(files):
    assert math.isinf(costs(files, gain=-2.0).set_index("row").loc["sgid", "per_point"])


def test_a_figure_of_cost_without_runs_is_refused():
    nothing = long_form([], [cell("backbone")], table="figure_cost", seeds=[0])
    with pytest.raises(ValueError, match="no run of the figure is done; train them first"):
        cost_frame(nothing, [], base="backbone")


def test_a_benchmark_that_is_missing_is_told_and_leaves_no_price(files):
    Path(files["pictures.tsv"]).unlink()
    row = costs(files).set_index("row").loc["sgid"]
    assert (row["unmeasured"], row["pictures"], row["captions"]) == (2, 0.0, 60.0)
    assert math.isnan(row["per_point"])
    assert price(row.to_dict()) == "2 of its jobs not measured"


def test_the_paper_has_one_number_for_the_similarity_figure():
    paths = ["config/paper/figure3.csv"]
    assert published_similarity(paths, datasets=["CIFAR-10"]) == {"sgid": 0.8548}
    assert published_similarity(paths, datasets=[]) == published_similarity([], datasets=["CIFAR-10"]) == {}
