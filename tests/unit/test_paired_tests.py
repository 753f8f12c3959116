"""Every statistic against scipy's or statsmodels' own, and what is defined where they are not."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from sgid.paired_tests import (
    UNDEFINED,
    compare,
    detectable_effect,
    effect_interval,
    holm,
    sign_flip,
    sign_flip_floor,
    welch,
    wilcoxon,
)

hundredths = st.integers(0, 10_000).map(lambda value: value / 100)
pairs = st.lists(st.tuples(hundredths, hundredths), min_size=2, max_size=9).map(lambda rows: np.array(rows).T)
accuracies = st.lists(hundredths, min_size=1, max_size=8)
FIVE = np.array([71.0, 72.5, 70.5, 73.0, 71.5]), np.array([70.0, 70.5, 70.0, 71.0, 71.0])


def varied(sides: np.ndarray) -> bool:
    return np.ptp(sides[0] - sides[1]) > 1e-6


@given(pairs.filter(varied))
def test_the_paired_test_is_scipys(sides):
    found, expected = compare(*sides), stats.ttest_rel(*sides)
    assert (found["t"], found["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)
    assert found["p_one_sided"] == pytest.approx(stats.ttest_rel(*sides, alternative="greater").pvalue)


@given(pairs.filter(varied))
def test_mean_difference_and_its_interval_are_those_of_statsmodels(sides):
    found, expected = compare(*sides), DescrStatsW(sides[0] - sides[1])
    assert (found["low"], found["high"]) == pytest.approx(expected.tconfint_mean(), abs=1e-9)
    assert found["mean_difference"] == pytest.approx(expected.mean, abs=1e-9)
    assert found["sd_difference"] == pytest.approx(expected.std_mean * math.sqrt(len(sides[0])), rel=1e-6)


@given(pairs)
def test_welchs_test_is_scipys(sides):
    assume(min(np.ptp(side) for side in sides) > 1e-6)
    assert welch(*sides) == pytest.approx(stats.ttest_ind(*sides, equal_var=False).pvalue)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=9).map(lambda values: np.array(values) / 10))
def test_the_permutation_test_is_scipys_exact_one(difference):
    expected = stats.permutation_test(
        (difference,), lambda values: np.round(values.mean(), 9), permutation_type="samples", n_resamples=np.inf
    )
    # scipy doubles the smaller tail, which is the same here: the null distribution is symmetric.
    assert sign_flip(difference) == pytest.approx(min(1, expected.pvalue))


@given(st.lists(hundredths.filter(bool), min_size=2, max_size=20).map(np.array))
def test_the_permutation_test_reaches_its_floor_where_every_seed_gains(difference):
    assert sign_flip(difference) == sign_flip_floor(difference) == 2 / 2 ** len(difference)


def test_five_seeds_can_never_be_significant_by_permutation():
    assert compare(*FIVE)["p_permutation_floor"] == 0.0625
    assert sign_flip_floor(np.arange(1.0, 7)) < 0.05


def test_pairs_that_do_not_differ_raise_the_floor():
    assert sign_flip_floor(np.array([0.0, 1, 2])) == sign_flip(np.array([0.0, 1, 2])) == 0.5


def test_the_permutation_test_is_left_out_above_twenty_pairs():
    assert math.isnan(sign_flip(np.ones(21)))
    assert math.isnan(sign_flip_floor(np.ones(21)))


@given(st.integers(2, 30), st.floats(0.001, 999))
def test_the_interval_of_the_effect_size_inverts_the_noncentral_t(n, t):
    low, high = np.array(effect_interval(t, n)) * math.sqrt(n)
    assert low < t < high
    # scipy's own search for the parameter is good to about four digits of the probability
    assert stats.nct.cdf(t, n - 1, low) == pytest.approx(0.975, abs=2e-4)
    assert stats.nct.cdf(t, n - 1, high) == pytest.approx(0.025, abs=2e-4)


@pytest.mark.parametrize("t", [0.0, 1e-159])
def test_the_interval_of_no_effect_is_that_of_the_normal_distribution(t):
    assert np.array(effect_interval(t, 5)) * math.sqrt(5) == pytest.approx([-1.96, 1.96], abs=1e-3)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_interval_of_a_huge_effect_joins_that_of_a_large_one(n):
    below, above = (np.array(effect_interval(t, n)) / t for t in (999.0, 1001.0))
    np.testing.assert_allclose(below, above, rtol=1e-3)


@given(st.integers(2, 20), st.floats(0.01, 5000))
def test_the_interval_of_a_loss_mirrors_that_of_a_gain(n, t):
    low, high = effect_interval(t, n)
    assert effect_interval(-t, n) == (-high, -low)


def test_an_effect_size_is_the_mean_difference_over_its_deviation():
    found = compare(np.array([3.0, 5.0]), np.array([1.0, 1.0]))
    assert found["cohen_dz"] == pytest.approx(3 / 2**0.5)
    assert found["dz_low"] < found["cohen_dz"] < found["dz_high"]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 10, 20, 100])
def test_the_detectable_effect_is_that_of_statsmodels(n):
    assert detectable_effect(n) == pytest.approx(TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-5)


def test_the_detectable_difference_is_in_percent_points():
    found = compare(*FIVE)
    assert found["detectable"] == pytest.approx(1.682 * np.std(FIVE[0] - FIVE[1], ddof=1), abs=1e-3)


def test_a_gain_of_the_detectable_size_is_found_in_four_of_five_trials():
    generator = np.random.default_rng(0)
    difference = generator.normal(detectable_effect(5), 1, (20_000, 5))
    found = stats.ttest_1samp(difference, 0, axis=1)
    assert np.mean((found.pvalue < 0.05) & (found.statistic > 0)) == pytest.approx(0.8, abs=0.01)


def test_wilcoxon_needs_six_differing_pairs():
    assert math.isnan(wilcoxon(np.array([1.0, 2, 3, 4, 5, 0])))
    assert wilcoxon(np.array([1.0, 2, 3, 4, 5, 6])) == pytest.approx(2 / 2**6)


@given(st.lists(st.floats(0.01, 50), min_size=6, max_size=12, unique=True).map(np.array), st.data())
def test_wilcoxons_test_is_scipys(sizes, data):
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(sizes), max_size=len(sizes)))
    assert wilcoxon(sizes * signs) == stats.wilcoxon(sizes * signs).pvalue


def test_a_constant_gain_has_no_t_test_but_one_by_permutation():
    found = compare(np.array([70.3, 71.3, 72.3]), np.array([70.1, 71.1, 72.1]))
    assert (found["reason"], found["star"], found["sd_difference"]) == ("zero variance", False, 0)
    assert found["mean_difference"] == pytest.approx(0.2)
    assert found["p_welch"] < 1
    assert found["p_permutation"] == found["p_permutation_floor"] == 0.25
    assert all(math.isnan(found[name]) for name in ("t", "p", "low", "cohen_dz", "dz_low", "detectable"))


def test_two_constant_samples_have_no_welch_test():
    found = compare(np.array([71.0, 71.0]), np.array([70.0, 70.0]))
    assert found["reason"] == "zero variance"
    assert math.isnan(found["p_welch"])


def test_a_tie_is_as_likely_as_anything():
    found = compare(np.array([70.0, 71.0]), np.array([70.0, 71.0]))
    assert (found["reason"], found["p_permutation"], found["p_permutation_floor"]) == ("tie", 1, 1)


def test_one_pair_has_a_mean_difference_and_nothing_else():
    found = compare(np.array([71.0]), np.array([70.0]))
    assert (found["reason"], found["mean_difference"]) == ("n < 2", 1)
    assert all(math.isnan(found[name]) for name in UNDEFINED if name != "mean_difference")


@given(accuracies, st.data())
def test_every_pair_of_samples_has_a_defined_answer(ours, data):
    theirs = data.draw(st.lists(st.sampled_from([*ours, 50.0]), min_size=len(ours), max_size=len(ours)))
    found = compare(np.array(ours), np.array(theirs))
    assert found.keys() == {*UNDEFINED, "n", "star", "reason"}
    assert all(math.isnan(found[name]) == bool(found["reason"]) for name in ("p", "low", "dz_low", "detectable"))
    assert not (found["star"] and found["reason"])


@given(accuracies.filter(lambda values: len(values) > 1), st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter(ours, random):
    paired = [(value, 50.0 + index) for index, value in enumerate(ours)]
    shuffled = random.sample(paired, len(paired))
    first, second = (compare(*np.array(side).T) for side in (paired, shuffled))
    assert first["reason"] == second["reason"]
    for name in UNDEFINED:
        assert first[name] == pytest.approx(second[name], nan_ok=True)


@settings(max_examples=25)  # statsmodels takes a tenth of a second
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holms_adjustment_is_that_of_statsmodels(values):
    np.testing.assert_allclose(holm(np.array(values)), multipletests(values, method="holm")[1])


def test_holm_leaves_out_what_is_undefined():
    np.testing.assert_allclose(holm(np.array([0.04, math.nan, 0.01, 0.03])), [0.06, math.nan, 0.03, 0.06])
    assert holm(np.array([])).size == 0
