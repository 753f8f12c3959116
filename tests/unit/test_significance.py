import math

import pandas as pd
import pytest
from long_forms import table_of, table_of_many

from sgid.results_table import AVERAGE, read_frame, write_frame
from sgid.significance import compare_with_best

STAR = {"row": "sgid", "against": ["ra", "sgid_dc"]}


def only(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_clear_gain_has_a_star():
    assert only(compare_with_best(table_of(sgid=[72, 73.1, 74, 73], ra=[70, 71, 72, 71]), STAR))["star"]


def test_a_test_of_the_drawn_world_says_so():
    runs = table_of(sgid=[72, 73], ra=[70, 72])
    assert not only(compare_with_best(runs, STAR))["miniature"]
    assert only(compare_with_best(runs.assign(miniature=runs["row"].eq("ra")), STAR))["miniature"]


def test_a_clear_loss_has_no_star():
    test = only(compare_with_best(table_of(sgid=[70, 71, 72, 71], ra=[72, 73.1, 74, 73]), STAR))
    assert test["p"] < 0.05
    assert not test["star"]


def test_a_noisy_gain_has_no_star():
    assert not only(compare_with_best(table_of(sgid=[60, 80, 70], ra=[70, 65, 71]), STAR))["star"]


def test_the_rival_is_the_baseline_with_the_highest_mean():
    test = only(compare_with_best(table_of(ra=[70, 71], sgid_dc=[80, 60], sgid=[75, 76], sgid_ra=[99, 99]), STAR))
    assert test["best_baseline"] == "ra"


def test_a_tie_has_no_star_and_says_so():
    test = only(compare_with_best(table_of(sgid=[70, 71, 72], ra=[70, 71, 72]), STAR))
    assert (test["reason"], test["mean_difference"], test["star"]) == ("tie", 0, False)
    assert math.isnan(test["p"])


def test_one_seed_is_too_few():
    test = only(compare_with_best(table_of(sgid=[71], ra=[70]), STAR))
    assert (test["n"], test["reason"], test["mean_difference"], test["star"]) == (1, "n < 2", 1, False)


def test_only_common_seeds_are_paired():
    test = only(compare_with_best(table_of(sgid={0: 71, 1: 73, 4: 10}, ra={0: 70, 1: 71, 2: 99}), STAR))
    assert (test["n"], test["mean_difference"]) == (2, 1.5)


def test_no_common_seed_is_too_few():
    test = only(compare_with_best(table_of(sgid={0: 71}, ra={1: 70}), STAR))
    assert (test["n"], test["reason"]) == (0, "n < 2")
    assert math.isnan(test["mean_difference"])


@pytest.mark.parametrize("rows", [{"sgid": {}, "ra": [70, 71]}, {"sgid": [70, 71], "ra": {}}])
def test_without_runs_on_both_sides_there_is_no_test(rows):
    test = only(compare_with_best(table_of(**rows), STAR))
    assert (test["reason"], test["star"]) == ("no run", False)


def test_the_average_is_tested_on_per_seed_averages():
    pets, dtd = {"sgid": [72, 74], "ra": [70, 71]}, {"sgid": {0: 40}, "ra": {0: 30, 1: 31}}
    tests = compare_with_best(table_of_many(pets=pets, dtd=dtd), STAR).set_index("dataset")
    assert tests.loc[AVERAGE, ["n", "mean_difference", "reason"]].tolist() == [1, 6, "n < 2"]


def test_without_a_star_rule_there_are_no_tests():
    assert compare_with_best(table_of(sgid=[1, 2]), None).empty


def test_tests_survive_their_file(tmp_path):
    tests = compare_with_best(table_of(sgid=[70, 71, 72], ra=[70, 71, 72]), STAR)
    write_frame(tests, tmp_path / "tests.csv")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "tests.csv"), tests, check_dtype=False)


def test_an_empty_file_of_tests_can_be_read(tmp_path):
    write_frame(compare_with_best(table_of(sgid=[1, 2]), None), tmp_path / "tests.csv")
    assert read_frame(tmp_path / "tests.csv").empty


def test_of_equally_good_baselines_the_first_in_the_table_is_the_rival():
    test = only(compare_with_best(table_of(sgid_dc=[70, 72], ra=[72, 70], sgid=[75, 76]), STAR))
    assert test["best_baseline"] == "ra"


@pytest.mark.parametrize("row", ["sgid", "ra", "sgid_dc"])
def test_a_column_in_which_either_side_misses_a_run_is_partial_and_has_no_star(row):
    rows = {"sgid": [75, 76.1, 77, 76], "ra": [70, 71, 72, 71], "sgid_dc": [60, 61, 62, 61]}
    whole = only(compare_with_best(table_of(**rows), STAR))
    rows[row] = dict(enumerate(rows[row][:3]))
    test = only(compare_with_best(table_of(**rows), STAR))
    assert (whole["status"], whole["star"], whole["n"], whole["n_planned"]) == ("measured", True, 4, 4)
    assert (test["status"], test["star"], test["n_planned"]) == ("partial", False, 4)
    assert test["p"] < 0.05


def test_a_run_that_is_no_rival_may_be_missing():
    assert only(compare_with_best(table_of(sgid=[75, 76.1], ra=[70, 71], sgid_ra=[80]), STAR))["status"] == "measured"


def test_a_column_without_a_run_is_not_run():
    assert only(compare_with_best(table_of(sgid={}, ra=[70, 71]), STAR))["status"] == "not run"


def test_the_average_of_a_partial_column_is_partial():
    pets, dtd = {"sgid": [72, 74], "ra": [70, 71]}, {"sgid": {0: 40}, "ra": {0: 30, 1: 31}}
    tests = compare_with_best(table_of_many(pets=pets, dtd=dtd), STAR).set_index("dataset")
    assert tests["status"].to_dict() == {"pets": "measured", "dtd": "partial", AVERAGE: "partial"}
