import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sgid.results_table import AVERAGE, long_form, read_frame, write_frame
from sgid.significance import compare, compare_with_best, holm, wilcoxon

STAR = {"row": "sgid", "against": ["ra", "sgid_dc"]}
accuracies = st.lists(st.integers(0, 10_000).map(lambda value: value / 100), min_size=1, max_size=8)


def table_of(**rows: dict[int, float] | list[float]) -> pd.DataFrame:
    """Long form of one data set; each row of the table is a list of accuracies by seed, or a mapping from seed."""
    return table_of_many(pets=rows)


def table_of_many(**datasets: dict) -> pd.DataFrame:
    runs, cells, seeds = [], [], set()
    for dataset, rows in datasets.items():
        for row, values in rows.items():
            names = {"backbone": "vit", "dataset": dataset, "method": row}
            cells.append({**names, "group": "single", "row": row, "variant": ""})
            by_seed = values if isinstance(values, dict) else dict(enumerate(values))
            origin = {
                "provenance": {"commit": "a", "dirty": False},
                "miniature": False,
                "seconds": 1,
                "noise_rate": None,
            }
            runs += [{**names, "seed": seed, "accuracy": accuracy} | origin for seed, accuracy in by_seed.items()]
            seeds |= set(by_seed)
    return long_form(runs, cells, table="table1", seeds=sorted(seeds))


def only(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1
    return frame.iloc[0]


def test_the_paired_test_is_scipys():
    ours, theirs = [71.0, 72.5, 70.5, 73.0, 71.5], [70.0, 70.5, 70.0, 71.0, 71.0]
    test = only(compare_with_best(table_of(sgid=ours, ra=theirs), STAR))
    expected = stats.ttest_rel(ours, theirs)
    assert (test["t"], test["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert test["p_one_sided"] == pytest.approx(stats.ttest_rel(ours, theirs, alternative="greater").pvalue)
    assert test["p_welch"] == pytest.approx(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)
    assert (test["low"], test["high"]) == pytest.approx(tuple(expected.confidence_interval()))


def test_effect_size_is_the_mean_difference_over_its_deviation():
    test = only(compare_with_best(table_of(sgid=[3.0, 5.0], ra=[1.0, 1.0]), STAR))
    assert test["cohen_dz"] == pytest.approx(3 / 2**0.5)


def test_a_clear_gain_has_a_star():
    assert only(compare_with_best(table_of(sgid=[72, 73.1, 74, 73], ra=[70, 71, 72, 71]), STAR))["star"]


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


def test_constant_difference_has_no_paired_test_and_says_so():
    test = only(compare_with_best(table_of(sgid=[70.3, 71.3, 72.3], ra=[70.1, 71.1, 72.1]), STAR))
    assert (test["reason"], test["star"]) == ("zero variance", False)
    assert test["mean_difference"] == pytest.approx(0.2)
    assert test["p_welch"] < 1


def test_two_constant_samples_have_no_test_at_all():
    test = only(compare_with_best(table_of(sgid=[71, 71], ra=[70, 70]), STAR))
    assert test["reason"] == "zero variance"
    assert math.isnan(test["p_welch"])


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


def test_holm_multiplies_the_smallest_p_most_and_keeps_the_order():
    adjusted = holm(np.array([0.04, math.nan, 0.01, 0.03]))
    np.testing.assert_allclose(adjusted, [0.06, math.nan, 0.03, 0.06])


def test_holm_never_exceeds_one():
    assert holm(np.array([0.6, 0.9])).max() == 1


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_never_makes_a_p_value_smaller(values):
    assert all(holm(np.array(values)) >= np.array(values))


def test_wilcoxon_needs_six_differing_pairs():
    assert math.isnan(wilcoxon(np.array([1.0, 2, 3, 4, 5, 0])))
    assert wilcoxon(np.array([1.0, 2, 3, 4, 5, 6])) == pytest.approx(2 / 2**6)


@given(accuracies, st.data())
def test_every_pair_of_samples_has_a_defined_answer(ours, data):
    theirs = data.draw(st.lists(st.sampled_from([*ours, 50.0]), min_size=len(ours), max_size=len(ours)))
    answer = compare(np.array(ours), np.array(theirs))
    assert math.isnan(answer["p"]) == bool(answer["reason"])
    assert not (answer["star"] and answer["reason"])


@given(accuracies.filter(lambda values: len(values) > 1), st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter(ours, random):
    pairs = [(value, 50.0 + index) for index, value in enumerate(ours)]
    shuffled = random.sample(pairs, len(pairs))
    first, second = (compare(*np.array(side).T) for side in (pairs, shuffled))
    assert first["reason"] == second["reason"]
    assert first["p"] == pytest.approx(second["p"], nan_ok=True)
