import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sgid.intervals import mean_of, mean_of_means

SCORES = st.lists(st.integers(1, 5), min_size=2, max_size=30)
SAMPLES = [np.random.default_rng(seed).normal(3, seed + 1, size) for seed, size in enumerate((2, 5, 40))]


@given(SCORES)
def test_the_interval_is_students_t_over_originals(scores):
    values = np.array(scores, dtype=float)
    found = mean_of(values)
    if np.ptp(values) == 0:
        assert found.low == found.high == values[0]
    else:
        low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((low, high))


@given(SCORES, st.integers(-3, 3))
def test_a_shift_of_all_scores_shifts_the_interval(scores, shift):
    values = np.array(scores, dtype=float)
    here, there = (mean_of(each) for each in (values, values + shift))
    assert there.low - here.low == pytest.approx(shift)
    assert there.half_width == pytest.approx(here.half_width)


def test_about_95_of_100_intervals_hold_the_true_mean():
    generator = np.random.default_rng(0)
    samples = generator.integers(1, 6, size=(2000, 20)).astype(float)
    intervals = [mean_of(sample) for sample in samples]
    held = np.mean([each.low <= 3 <= each.high for each in intervals])
    assert 0.935 < held < 0.965


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_two_samples_have_the_degrees_of_freedom_and_interval_of_welch(values):
    other = np.array([4.0, 9.0, 7.0])
    expected = stats.ttest_ind(values, other, equal_var=False)
    half = mean_of_means([mean_of(values), mean_of(-other)])  # of half the difference
    assert half.freedom == pytest.approx(expected.df)
    assert (2 * half.low, 2 * half.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_one_value_has_a_mean_and_no_interval():
    one = mean_of(np.array([3.0]))
    assert (one.mean, math.isnan(one.low), math.isnan(one.half_width)) == (3.0, True, True)


def test_no_value_has_no_mean():
    assert math.isnan(mean_of(np.array([])).mean)


def test_equal_values_have_an_interval_without_width():
    equal = mean_of(np.full(4, 2.5))
    assert (equal.low, equal.high) == (2.5, 2.5)
    both = mean_of_means([equal, equal])
    assert (both.low, both.high, both.freedom) == (2.5, 2.5, 6)


def test_a_mean_over_samples_is_unknown_where_one_of_them_is():
    parts = [mean_of(np.array([1.0, 2.0])), mean_of(np.array([]))]
    assert math.isnan(mean_of_means(parts).mean)
    assert math.isnan(mean_of_means([parts[0], mean_of(np.array([1.0]))]).half_width)
