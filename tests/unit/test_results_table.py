import math

import pandas as pd
import pytest

from sgid.results_table import AVERAGE, long_form, read_frame, short_commit, summarise, with_average, write_frame


def cell(dataset: str = "pets", row: str = "sgid", **changes: str) -> dict:
    names = {"backbone": "vit", "group": "single", "row": row, "dataset": dataset, "variant": "", "method": row}
    return names | changes


def run(dataset: str = "pets", method: str = "sgid", seed: int = 0, accuracy: float = 50.0, **changes: object) -> dict:
    names = {"dataset": dataset, "backbone": "vit", "method": method, "seed": seed, "accuracy": accuracy}
    origin = {"provenance": {"commit": "abc", "dirty": False}, "miniature": False, "seconds": 1.5, "noise_rate": "0.5"}
    return names | origin | changes


def collected(runs: list[dict], cells: list[dict], seeds: tuple[int, ...] = (0, 1)) -> pd.DataFrame:
    return long_form(runs, cells, table="table1", seeds=list(seeds))


def test_there_is_one_row_per_planned_cell_and_seed_in_display_order():
    frame = collected([], [cell(row="ra"), cell(row="sgid")])
    assert list(zip(frame["row"], frame["seed"], strict=True)) == [("ra", 0), ("ra", 1), ("sgid", 0), ("sgid", 1)]


def test_a_seed_without_a_run_is_not_run():
    frame = collected([run(seed=1, accuracy=61.5)], [cell()])
    assert list(frame["status"]) == ["not run", "done"]
    assert math.isnan(frame["accuracy"][0])
    assert frame["accuracy"][1] == 61.5


def test_a_row_may_be_filled_by_another_method():
    frame = collected([run("cars", "sgid_label", 0, 88.5)], [cell("cars", "sgid", method="sgid_label")], seeds=(0,))
    assert frame.loc[0, ["row", "method", "accuracy"]].tolist() == ["sgid", "sgid_label", 88.5]


def test_a_run_that_two_cells_share_appears_in_both():
    frame = collected([run()], [cell(), cell(row="copy", method="sgid")], seeds=(0,))
    assert list(frame["accuracy"]) == [50.0, 50.0]


def test_a_dirty_tree_shows_in_the_commit():
    frame = collected([run(provenance={"commit": "abc", "dirty": True})], [cell()], seeds=(0,))
    assert frame["commit"][0] == "abc-dirty"


def test_the_same_run_twice_is_refused():
    with pytest.raises(ValueError, match="occurs twice"):
        collected([run(), run()], [cell()])


def test_a_run_that_no_cell_plans_is_refused():
    with pytest.raises(ValueError, match="belongs to no cell"):
        collected([run("dtd")], [cell()])


@pytest.mark.parametrize("accuracy", [-1.0, 100.5, math.nan])
def test_an_accuracy_that_is_no_percentage_is_refused(accuracy):
    with pytest.raises(ValueError, match="not a percentage"):
        collected([run(accuracy=accuracy)], [cell()])


def test_writing_and_reading_keeps_everything(tmp_path):
    frame = collected([run(miniature=True, noise_rate=None, accuracy=100 / 3)], [cell(variant="w/o PW"), cell("dtd")])
    write_frame(frame, tmp_path / "runs.csv")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "runs.csv"), frame, check_dtype=False)


def test_the_average_is_taken_per_seed_where_every_data_set_has_that_seed():
    runs = [run("pets", seed=0, accuracy=40), run("pets", seed=1, accuracy=60), run("dtd", seed=0, accuracy=20)]
    frame = with_average(collected(runs, [cell("pets"), cell("dtd")]))
    average = frame[frame["dataset"] == AVERAGE]
    assert list(average["status"]) == ["done", "not run"]
    assert average["accuracy"].tolist()[0] == 30


def test_one_data_set_has_no_average():
    assert AVERAGE not in set(with_average(collected([], [cell()]))["dataset"])


def test_a_row_that_is_not_planned_on_all_data_sets_has_no_average():
    frame = with_average(collected([], [cell("pets"), cell("dtd"), cell("dtd", "ra")]))
    assert set(frame.loc[frame["dataset"] == AVERAGE, "row"]) == {"sgid"}


def test_a_summary_has_mean_and_sample_deviation():
    summary = summarise(collected([run(seed=0, accuracy=40), run(seed=1, accuracy=42)], [cell()]))
    assert summary.loc[0, ["mean", "std", "n_done", "n_planned", "status"]].tolist() == [41, 2**0.5, 2, 2, "measured"]


def test_one_run_has_no_deviation_and_is_partial():
    summary = summarise(collected([run(seed=0, accuracy=40)], [cell()]))
    assert math.isnan(summary["std"][0])
    assert summary["status"][0] == "partial"


def test_no_run_has_no_mean():
    summary = summarise(collected([], [cell()]))
    assert math.isnan(summary["mean"][0])
    assert summary["status"][0] == "not run"


def test_one_miniature_run_makes_a_cell_miniature():
    assert summarise(collected([run(miniature=True)], [cell()]))["miniature"][0]


@pytest.mark.parametrize(("seeds", "status"), [((0, 1), "miniature"), ((0,), "partial"), ((), "not run")])
def test_a_whole_cell_of_miniature_runs_has_a_status_of_its_own(seeds, status):
    runs = [run(seed=seed, miniature=True) for seed in seeds]
    assert summarise(collected(runs, [cell()]))["status"][0] == status


def test_a_commit_is_shown_by_ten_digits_and_a_changed_tree_by_words():
    assert short_commit("0123456789abcdef-dirty") == "0123456789 with uncommitted changes"
    assert (short_commit("0123456789abcdef"), short_commit("unknown")) == ("0123456789", "unknown")
