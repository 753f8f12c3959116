"""McNemar's test and the paired bootstrap on the same pictures, of one seed and of several."""

import itertools
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from long_forms import table_of, table_of_many
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from sgid.image_table import write_table
from sgid.matrix import Run
from sgid.prediction_tests import (
    bootstrap_interval,
    compare_pictures,
    compare_predictions,
    read_correct,
    sign_flip_of_pictures,
)
from sgid.results_table import read_frame, write_frame
from sgid.significance import compare_with_best

STAR = {"row": "sgid", "against": ["ra"]}
discordant = st.tuples(st.integers(0, 200), st.integers(0, 200)).filter(any)


def answers(correct: str) -> pd.Series:
    """Right (`+`) or wrong by picture."""
    return pd.Series([sign == "+" for sign in correct], index=[f"test/{place}" for place in range(len(correct))])


def compared(runs: pd.DataFrame, correct: dict[tuple[str, int], str]) -> pd.DataFrame:
    return compare_predictions(
        runs, compare_with_best(runs, STAR), read=lambda run: answers(correct[run.method, run.seed])
    )


def differences(ours_only: int, theirs_only: int, agreed: int = 10) -> np.ndarray:
    return np.repeat([1, -1, 0], [ours_only, theirs_only, agreed])


@given(discordant)
def test_of_one_seed_the_exact_test_is_mcnemars(counts):
    ours_only, theirs_only = counts
    expected = mcnemar([[10, ours_only], [theirs_only, 10]], exact=True).pvalue
    assert sign_flip_of_pictures(differences(*counts))[0] == pytest.approx(expected)
    assert expected == pytest.approx(stats.binomtest(ours_only, sum(counts)).pvalue)


@given(discordant)
def test_the_mid_p_takes_half_of_what_was_observed(counts):
    # Fagerland et al. 2013: the exact p less the probability of the outcome, half of it where both are equal.
    likelihood = stats.binom.pmf(counts[0], sum(counts), 0.5)
    exact, mid = sign_flip_of_pictures(differences(*counts))
    assert mid == pytest.approx(exact - (likelihood if counts[0] != counts[1] else likelihood / 2))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9).filter(any).map(np.array))
def test_of_several_seeds_it_counts_all_patterns_of_signs(difference):
    sums = np.array([np.dot(signs, difference) for signs in itertools.product([-1, 1], repeat=len(difference))])
    exact, mid = sign_flip_of_pictures(difference)
    observed = abs(difference.sum())
    assert exact == pytest.approx(np.mean(np.abs(sums) >= observed))
    assert mid == pytest.approx(exact - np.mean(np.abs(sums) == observed) / 2)


def test_ten_thousand_pictures_and_five_seeds_are_no_trouble():
    difference = np.random.default_rng(0).integers(-5, 6, 10_000)
    z = difference.sum() / math.sqrt((difference**2).sum())
    assert sign_flip_of_pictures(difference)[1] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-2)


def test_the_bootstrap_is_that_of_scipy():
    difference = differences(60, 20, agreed=120)
    expected = stats.bootstrap(
        (difference,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert bootstrap_interval(difference, seed=0) == pytest.approx([expected.low, expected.high], abs=0.01)


def test_the_bootstrap_draws_the_same_again():
    difference = differences(6, 2)
    assert (bootstrap_interval(difference, seed=3) == bootstrap_interval(difference, seed=3)).all()


def test_differences_are_percent_points_of_accuracy():
    found = compare_pictures(differences(6, 2, agreed=32), seeds=1, seed=0)
    assert (found["pictures"], found["ours_only"], found["theirs_only"]) == (40, 6, 2)
    assert found["mean_difference"] == 10
    assert found["low"] < 10 < found["high"]


def test_five_seeds_that_agree_have_the_difference_and_the_interval_of_one():
    one, five = (compare_pictures(n * differences(6, 2, agreed=32), seeds=n, seed=0) for n in (1, 5))
    for name in ("pictures", "mean_difference", "low", "high", "p_exact", "p_mid"):
        assert five[name] == pytest.approx(one[name])


def test_where_no_picture_tells_them_apart_there_is_no_test():
    found = compare_pictures(differences(0, 0), seeds=5, seed=0)
    assert (found["reason"], found["mean_difference"]) == ("tie", 0)
    assert all(math.isnan(found[name]) for name in ("low", "high", "p_exact", "p_mid"))


def test_every_common_seed_has_a_row_and_all_have_one_together():
    runs = table_of(sgid={0: 75, 1: 75, 2: 75}, ra={0: 50, 1: 50})
    found = compared(runs, {("sgid", 0): "+++-", ("sgid", 1): "+-++", ("ra", 0): "++--", ("ra", 1): "+--+"})
    assert found["seed"].tolist() == ["0", "1", "all"]
    assert found["mean_difference"].tolist() == [25, 25, 25]
    assert found["ours_only"].tolist() == [1, 1, 2]


def test_a_comparison_of_the_drawn_world_says_so():
    runs = table_of(sgid=[75], ra=[50]).assign(miniature=True)
    assert compared(runs, {("sgid", 0): "+++-", ("ra", 0): "++-+"})["miniature"].tolist() == [True, True]


def test_a_picture_counts_once_however_many_seeds_are_right_on_it():
    rivals = {("sgid", seed): "+" * 6 for seed in range(5)} | {("ra", seed): "-" * 6 for seed in range(5)}
    found = compared(table_of(sgid=[100] * 5, ra=[0] * 5), rivals).set_index("seed")
    assert found.loc[["0", "all"], "p_exact"].tolist() == pytest.approx([2 / 2**6] * 2)


def test_pooled_seeds_that_contradict_each_other_are_a_tie():
    found = compared(table_of(sgid=[50, 50], ra=[50, 50]), {
        ("sgid", 0): "+-", ("sgid", 1): "-+", ("ra", 0): "-+", ("ra", 1): "+-",
    }).set_index("seed")  # fmt: skip
    assert (found.loc["0", "reason"], found.loc["all", "reason"]) == ("", "tie")


def test_pictures_are_paired_by_their_ids_whatever_the_order():
    files = {"sgid": answers("+-+"), "ra": answers("+--")[::-1]}
    runs = table_of(sgid=[66], ra=[33])
    found = compare_predictions(runs, compare_with_best(runs, STAR), read=lambda run: files[run.method])
    assert found["ours_only"].tolist() == [1, 1]


def test_other_pictures_are_refused():
    with pytest.raises(ValueError, match=r"vit/sgid/seed-0\.parquet and .*: hold other pictures; rerun the older one"):
        compared(table_of(sgid=[75], ra=[50]), {("sgid", 0): "+++-", ("ra", 0): "+++"})


def test_seeds_of_other_pictures_are_refused():
    correct = {("sgid", 0): "++", ("ra", 0): "+-", ("sgid", 1): "+++", ("ra", 1): "+--"}
    with pytest.raises(ValueError, match="the seeds beside it hold other pictures"):
        compared(table_of(sgid=[75, 75], ra=[50, 50]), correct)


def test_without_a_common_seed_the_row_says_so():
    found = compared(table_of(sgid={0: 75}, ra={1: 50}), {})
    assert found[["seed", "pictures", "reason"]].values.tolist() == [["all", 0, "no common seed"]]


def test_averages_and_columns_without_runs_have_no_pictures():
    runs = table_of_many(pets={"sgid": [75], "ra": [50]}, dtd={"sgid": {}, "ra": [50]})
    assert set(compared(runs, {("sgid", 0): "+", ("ra", 0): "-"})["dataset"]) == {"pets"}


def test_without_a_star_rule_there_is_nothing_to_compare(tmp_path):
    runs = table_of(sgid=[75])
    write_frame(compare_predictions(runs, compare_with_best(runs, None)), tmp_path / "predictions.csv")
    assert read_frame(tmp_path / "predictions.csv").empty


def test_the_comparison_survives_its_file(tmp_path):
    found = compared(table_of(sgid=[75], ra=[50]), {("sgid", 0): "+++-", ("ra", 0): "++-+"})
    write_frame(found, tmp_path / "predictions.csv")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "predictions.csv"), found, check_dtype=False)


def predictions(**columns: list) -> pa.Table:
    return pa.table({"image_id": ["b", "a"], "label": [1, 0], "predicted": [0, 0]} | columns)


def test_predictions_are_read_from_where_their_run_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("pets", "vit", "sgid", 3)
    (tmp_path / run.predictions).parent.mkdir(parents=True)
    write_table(predictions(), run.predictions)
    assert run.predictions == "results/predictions/pets/vit/sgid/seed-3.parquet"
    assert read_correct(run).to_dict() == {"a": True, "b": False}


def test_a_file_of_anything_else_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("pets", "vit", "sgid", 3)
    (tmp_path / run.predictions).parent.mkdir(parents=True)
    write_table(predictions().drop_columns("predicted"), run.predictions)
    with pytest.raises(ValueError, match=r"seed-3\.parquet: has no column predicted"):
        read_correct(run)
