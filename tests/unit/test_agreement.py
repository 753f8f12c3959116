import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sgid.agreement import alpha

# Krippendorff (2011), part E: four observers, twelve units, missing scores; a dot is none.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
EXAMPLE = [
    [int(score) for score in unit if score != "."] for unit in zip(*(line.split() for line in OBSERVERS), strict=True)
]
UNITS = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=2, max_size=8)


def is_defined(units) -> bool:
    return len({score for unit in units if len(unit) > 1 for score in unit}) > 1


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_krippendorffs_worked_example(level, value):
    assert round(alpha(EXAMPLE, level=level), 3) == value


def test_two_observers_of_krippendorffs_first_example():
    # The same paper, part A: binary data of two observers on ten units.
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert round(alpha(zip(first, second, strict=True), level="nominal"), 3) == 0.095


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_perfect_agreement_is_one(level):
    assert alpha([[1, 1], [4, 4, 4], [5, 5]], level=level) == pytest.approx(1)


@pytest.mark.parametrize("units", [[], [[1], [2]], [[3, 3], [3, 3, 3]]])
def test_alpha_does_not_exist_without_pairs_or_without_differences(units):
    assert math.isnan(alpha(units, level="ordinal"))


@given(UNITS)
def test_interval_alpha_is_one_minus_the_ratio_of_mean_squared_differences(units):
    assume(is_defined(units))
    scored = [unit for unit in units if len(unit) > 1]
    everything = [score for unit in scored for score in unit]
    within = sum(2 * (a - b) ** 2 / (len(unit) - 1) for unit in scored for a, b in combinations(unit, 2)) / len(
        everything
    )
    between = np.mean([(a - b) ** 2 for a, b in combinations(everything, 2)])
    assert alpha(units, level="interval") == pytest.approx(1 - within / between)


@given(UNITS, st.randoms(use_true_random=False))
def test_neither_the_order_of_units_nor_of_annotators_counts(units, random):
    assume(is_defined(units))
    shuffled = [random.sample(unit, len(unit)) for unit in random.sample(units, len(units))]
    for level in ("ordinal", "interval"):
        assert alpha(shuffled, level=level) == pytest.approx(alpha(units, level=level))


@given(UNITS)
def test_ordinal_alpha_knows_only_the_order_of_scores(units):
    assume(is_defined(units))
    stretched = [[score**3 for score in unit] for unit in units]
    assert alpha(stretched, level="ordinal") == pytest.approx(alpha(units, level="ordinal"))
