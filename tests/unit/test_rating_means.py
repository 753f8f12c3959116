import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rated_kit import items, key
from scipy import stats

from sgid.rating_means import (
    agreement,
    counted,
    long_ratings,
    mean_scores,
    read_ratings,
    why_excluded,
)
from sgid.rating_sheets import Rating, Sheet
from sgid.rating_simulation import simulate_sheet
from sgid.results_table import write_frame

SCORES = st.lists(st.integers(1, 5), min_size=2, max_size=30)


def differ(scores: list[int]) -> bool:
    return len(set(scores)) > 1


@pytest.fixture(scope="module")
def kit_key():
    return key(items())


def frame(scores: dict[tuple[str, str, str], list[tuple[int, int]]], **changes) -> pd.DataFrame:
    """Long form from {(dataset, source, method): (consistency, diversity) by annotator}."""
    rows = [
        {"dataset": dataset, "label": 0, "class_name": "cat", "source_id": source, "method": method, "kind": "rated"}
        | {"item": f"{source} {method}", "annotator": f"a{number}", "consistency": first, "diversity": second}
        | {"seconds": 1.0, "sheet": "a.csv", "excluded": "", "simulated": False, "miniature": False, "commit": "abc"}
        for (dataset, source, method), pairs in scores.items()
        for number, (first, second) in enumerate(pairs)
    ]
    return pd.DataFrame(rows).assign(**changes)


def answering(sheet: Sheet, kit_key: dict, kind: str, scores: tuple[int, int], *, count: int) -> Sheet:
    """The sheet with other scores for the first `count` items of a kind."""
    kinds = [kit_key["items"][rating.item]["kind"] for rating in sheet.ratings]
    places = [place for place, each in enumerate(kinds) if each == kind][:count]
    ratings = [
        Rating(rating.item, *scores, 1.0) if place in places else rating for place, rating in enumerate(sheet.ratings)
    ]
    return replace(sheet, ratings=tuple(ratings))


def test_the_long_form_has_a_row_an_item_and_annotator_and_says_what_each_is(kit_key):
    ratings = long_ratings([simulate_sheet(kit_key, number) for number in (1, 2)], [kit_key], allowed=0)
    assert len(ratings) == 2 * 16
    assert ratings["kind"].value_counts().to_dict() == {"rated": 24, "same": 4, "foreign": 4}
    assert set(ratings["annotator"]) == {"simulated-1", "simulated-2"}
    assert ratings["simulated"].all()
    assert ratings["miniature"].all()


def test_the_long_form_is_read_back_as_it_was_written(kit_key, tmp_path):
    sheet = replace(simulate_sheet(kit_key, 1), annotator="007")
    ratings = long_ratings([sheet], [kit_key], allowed=0)
    write_frame(ratings, tmp_path / "ratings.csv")
    pd.testing.assert_frame_equal(read_ratings(tmp_path / "ratings.csv"), ratings, check_dtype=False)


@pytest.mark.parametrize(
    ("kind", "scores", "passed"),
    [
        ("same", (5, 1), True),
        ("same", (4, 2), True),
        ("same", (3, 1), False),
        ("same", (5, 3), False),
        ("foreign", (1, 5), True),
        ("foreign", (2, 1), True),
        ("foreign", (3, 5), False),
    ],
)
def test_a_check_allows_one_step_beside_what_it_expects(kit_key, kind, scores, passed):
    sheet = answering(simulate_sheet(kit_key, 1), kit_key, kind, scores, count=1)
    assert (why_excluded(sheet, kit_key, allowed=0) == "") is passed


def test_a_sheet_that_fails_too_many_checks_is_left_out_and_says_why(kit_key):
    careless = answering(simulate_sheet(kit_key, 1), kit_key, "same", (1, 1), count=2)
    assert why_excluded(careless, kit_key, allowed=2) == ""
    ratings = long_ratings([careless, simulate_sheet(kit_key, 2)], [kit_key], allowed=1)
    assert set(counted(ratings)["annotator"]) == {"simulated-2"}
    reasons = ratings.groupby("annotator")["excluded"].first()
    assert reasons["simulated-1"] == "failed 2 of 4 attention checks, 1 allowed"


def test_checks_are_no_part_of_the_numbers(kit_key):
    ratings = long_ratings([simulate_sheet(kit_key, 1)], [kit_key], allowed=0)
    assert set(counted(ratings)["kind"]) == {"rated"}


def test_a_score_is_the_mean_over_annotators_then_over_originals():
    ratings = frame({("pets", "x", "ra"): [(5, 1), (3, 1)], ("pets", "y", "ra"): [(1, 2)]})
    scores = mean_scores(ratings, rows=["ra"], datasets=["pets"]).set_index("variant")
    assert scores.loc["consistency", "mean"] == (4 + 1) / 2
    assert scores.loc["diversity", ["mean", "originals", "annotators"]].tolist() == [1.5, 2, 2]


def test_the_average_is_over_data_sets_and_asks_for_all_of_them():
    ratings = frame(
        {("pets", "x", "ra"): [(5, 1)], ("pets", "y", "ra"): [(4, 1)], ("dtd", "z", "ra"): [(2, 3)]}
        | {("pets", "x", "sgid"): [(3, 3)]}
    )
    scores = mean_scores(ratings, rows=["ra", "sgid"], datasets=["pets", "dtd"])
    averages = scores[scores["dataset"] == "avg"].set_index(["row", "variant"])["mean"]
    assert averages["ra", "consistency"] == (4.5 + 2) / 2
    assert math.isnan(averages["sgid", "consistency"])


def test_scores_carry_the_stamps_of_their_ratings():
    ratings = frame({("pets", "x", "ra"): [(5, 1)], ("dtd", "z", "ra"): [(2, 3)]}, simulated=True)
    scores = mean_scores(ratings, rows=["ra"], datasets=["pets", "dtd"])
    assert (scores["simulated"].all(), scores["miniature"].any()) == (True, False)


def test_pages_of_a_changed_tree_say_so(kit_key):
    made = kit_key | {"provenance": kit_key["provenance"] | {"dirty": True}}
    assert set(long_ratings([simulate_sheet(made, 1)], [made], allowed=0)["commit"]) == {"c0ffee0123456-dirty"}


@given(SCORES.filter(differ), SCORES.filter(differ))
def test_the_interval_of_an_average_is_welchs(first, second):
    ratings = frame(
        {("pets", f"p{place}", "ra"): [(score, 1)] for place, score in enumerate(first)}
        | {("dtd", f"d{place}", "ra"): [(score, 1)] for place, score in enumerate(second)}
    )
    scores = mean_scores(ratings, rows=["ra"], datasets=["pets", "dtd"])
    average = scores[(scores["dataset"] == "avg") & (scores["variant"] == "consistency")].iloc[0]
    # The mean of two means is half of the difference between one and minus the other.
    interval = stats.ttest_ind(first, [-score for score in second], equal_var=False).confidence_interval(0.95)
    assert (average["low"], average["high"]) == pytest.approx((interval.low / 2, interval.high / 2))


def test_scores_that_are_all_equal_have_an_interval_without_width():
    ratings = frame({(dataset, name, "ra"): [(4, 1)] for dataset in ("pets", "dtd") for name in "xy"})
    scores = mean_scores(ratings, rows=["ra"], datasets=["pets", "dtd"])
    assert scores["half_width"].tolist() == [0] * 6


def test_one_original_has_no_interval():
    scores = mean_scores(frame({("pets", "x", "ra"): [(5, 1), (4, 1)]}), rows=["ra"], datasets=["pets"])
    assert scores["mean"].tolist() == [4.5, 1.0]
    assert scores["half_width"].isna().all()


def test_agreement_is_told_by_data_set_measure_and_distance():
    ratings = frame(
        {("pets", f"p{n}", "ra"): [(n, 1), (n, 2)] for n in range(1, 6)}
        | {("dtd", f"d{n}", "ra"): [(n, 3), (n, 3)] for n in range(1, 6)}
    )
    found = agreement(ratings).set_index(["dataset", "measure", "level"])
    assert found.loc[("pets", "consistency", "ordinal"), "alpha"] == pytest.approx(1)
    assert found.loc[("pets", "diversity", "interval"), "alpha"] < 0
    assert found.loc[("all", "consistency", "interval"), ["items", "annotators"]].tolist() == [10, 2]
    assert found.loc[("dtd", "diversity", "ordinal"), "reason"] == "all scores are equal"


def test_one_annotator_agrees_with_nobody():
    found = agreement(frame({("pets", "x", "ra"): [(5, 1)], ("pets", "y", "ra"): [(4, 2)]}))
    assert set(found["reason"]) == {"one annotator"}
    assert found["alpha"].isna().all()


def test_excluded_sheets_have_no_part_in_agreement():
    assert agreement(frame({("pets", "x", "ra"): [(5, 1), (1, 5)]}, excluded="failed")).empty
