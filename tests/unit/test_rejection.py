"""The rules of a filter: each can fire, none takes back, and neither order of rows nor of shards matters."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from drawn_sets import drawn_row, write_set
from hypothesis import given, settings
from hypothesis import strategies as st

from sgid.image_table import write_table
from sgid.recipes import RULES
from sgid.rejection import BY_CHANCE, REASONS, by_chance, in_words, read_pictures, read_verdicts, reasons, verdicts
from sgid.results_table import write_frame
from sgid.runtime import write_json

KEPT = {
    "image_id": "a/0", "source_id": "a", "label": 1, "flag": "", "clip_class": 1, "clip_own": 0.9, "clip_subject": 0.9,
    "cosine": 0.8, "predicted": 1, "probability": 0.6, "threshold": 0.7,
}  # fmt: skip
ALL_RULES = {
    "flagged": True, "another_class": 0.0, "no_subject": 0.5, "too_unlike": 0.5, "unchanged": 0.95, "mislabelled": 1.0,
    "too_easy": 1.0,
}  # fmt: skip
FIRING = {
    "flagged": {"flag": "black"},
    "another_class": {"clip_class": 0, "clip_own": 0.3},
    "no_subject": {"clip_subject": 0.2},
    "too_unlike": {"cosine": 0.1},
    "unchanged": {"cosine": 0.99},
    "mislabelled": {"predicted": 0, "probability": 0.8},
    "too_easy": {"predicted": 1, "probability": 0.8},
}
STRICTER = {"another_class": -1, "no_subject": 1, "too_unlike": 1, "unchanged": -1, "mislabelled": -1, "too_easy": -1}
share = st.floats(0, 1)
row = st.fixed_dictionaries(
    {
        "label": st.integers(0, 2),
        "flag": st.sampled_from(["", "black", "nan"]),
        "clip_class": st.integers(0, 2),
        "predicted": st.integers(0, 2),
        **dict.fromkeys(("clip_own", "clip_subject", "cosine", "probability", "threshold"), share),
    }
)


def pictures(*rows):
    return pd.DataFrame([{**KEPT, "image_id": f"p/{number:03}", **each} for number, each in enumerate(rows)])


def rejected(found):
    return set(found.loc[found["reason"] != "", "image_id"])


def test_the_rules_are_asked_in_the_order_that_the_configuration_names_them():
    assert tuple(REASONS) == RULES
    assert set(FIRING) == set(ALL_RULES) == set(RULES)


def test_a_picture_that_no_rule_concerns_stays():
    assert rejected(verdicts(pictures({}), ALL_RULES)) == set()


@pytest.mark.parametrize("rule", RULES)
def test_every_reason_can_fire_alone(rule):
    found = verdicts(pictures(FIRING[rule]), ALL_RULES)
    assert found[["reason", "applying"]].values.tolist() == [[in_words(rule)] * 2]


MILDER = {
    "another_class": 0.8, "no_subject": 0.1, "too_unlike": 0.0, "unchanged": 0.995, "mislabelled": 1.2, "too_easy": 1.2,
}  # fmt: skip


@pytest.mark.parametrize("rule", MILDER)
def test_a_milder_number_keeps_the_picture(rule):
    assert rejected(verdicts(pictures(FIRING[rule]), {rule: MILDER[rule]})) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_off_rejects_nothing(rule):
    others = {name: value for name, value in ALL_RULES.items() if name != rule}
    assert rejected(verdicts(pictures(FIRING[rule]), others)) == set()


def test_the_first_reason_counts_and_all_that_apply_are_told():
    found = verdicts(pictures(FIRING["flagged"] | FIRING["no_subject"] | FIRING["mislabelled"]), ALL_RULES)
    assert found["reason"].tolist() == ["flagged"]
    assert found["applying"].tolist() == ["flagged; no subject; mislabelled"]


@pytest.mark.parametrize("score", ["clip_own", "clip_subject", "cosine", "probability", "threshold"])
def test_a_score_that_is_no_number_rejects_nothing(score):
    rules = {rule: value for rule, value in ALL_RULES.items() if rule != "flagged"}
    doubtful = pictures({"clip_class": 0, "predicted": 0, score: np.nan})
    alone = {
        "clip_own": "another_class", "clip_subject": "no_subject", "cosine": "unchanged", "probability": "mislabelled",
        "threshold": "mislabelled",
    }[score]  # fmt: skip
    assert not reasons(doubtful, rules)[in_words(alone)].any()


@settings(max_examples=20, deadline=None)
@given(st.lists(row, min_size=1, max_size=12), st.sampled_from(sorted(STRICTER)), share, share)
def test_a_stricter_number_never_takes_a_picture_back(rows, rule, one, other):
    loose, strict = sorted((one, other), reverse=STRICTER[rule] < 0)
    given_pictures = pictures(*rows)
    before, after = (rejected(verdicts(given_pictures, {rule: value})) for value in (loose, strict))
    assert before <= after


@settings(max_examples=20, deadline=None)
@given(st.lists(row, min_size=1, max_size=12), st.sets(st.sampled_from(RULES)), st.sampled_from(RULES))
def test_a_further_rule_never_takes_a_picture_back(rows, rules, further):
    given_pictures, on = pictures(*rows), {rule: ALL_RULES[rule] for rule in rules}
    both = on | {further: ALL_RULES[further]}
    assert rejected(verdicts(given_pictures, on)) <= rejected(verdicts(given_pictures, both))


@settings(max_examples=20, deadline=None)
@given(st.lists(row, min_size=1, max_size=12), st.randoms())
def test_the_order_of_rows_is_irrelevant(rows, chance):
    given_pictures, order = pictures(*rows), list(range(len(rows)))
    chance.shuffle(order)
    shuffled = given_pictures.iloc[order]
    for one in (lambda table: verdicts(table, ALL_RULES), lambda table: by_chance(table, {"p/000"}, seed=0)):
        pd.testing.assert_frame_equal(one(given_pictures).reset_index(drop=True), one(shuffled).reset_index(drop=True))


@settings(max_examples=20, deadline=None)
@given(st.lists(row, min_size=1, max_size=20), st.integers(0, 5))
def test_the_control_leaves_out_as_many_of_each_class(rows, seed):
    given_pictures = pictures(*rows)
    pattern = rejected(verdicts(given_pictures, ALL_RULES))
    control = rejected(by_chance(given_pictures, pattern | {"of/another/set"}, seed=seed))
    label = given_pictures.set_index("image_id")["label"]
    assert label[sorted(control)].value_counts().to_dict() == label[sorted(pattern)].value_counts().to_dict()


def test_the_control_follows_names_and_seed_and_not_the_pattern():
    given_pictures = pictures(*[{}] * 40)
    pattern = {f"p/{number:03}" for number in range(10)}
    first, again, other = (
        rejected(by_chance(given_pictures, each, seed=seed))
        for each, seed in ((pattern, 0), ({f"p/{n:03}" for n in range(30, 40)}, 0), (pattern, 1))
    )
    assert first == again
    assert first not in (other, pattern)
    assert set(by_chance(given_pictures, pattern, seed=0)["reason"]) == {"", BY_CHANCE}


def test_verdicts_survive_their_file(tmp_path):
    found = verdicts(pictures({}, FIRING["flagged"], FIRING["unchanged"]), ALL_RULES)
    write_frame(found, tmp_path / "verdicts.csv")
    pd.testing.assert_frame_equal(read_verdicts(tmp_path / "verdicts.csv"), found.reset_index(drop=True))


def scored(folder, rows, labels=(0, 1)):
    ids = [each["image_id"] for each in rows]
    write_table(pa.table({"image_id": ids, "clip_own": [0.5] * len(ids)}), folder / "clip.parquet")
    said = {"image_id": ids, "predicted": [1, 0][: len(ids)], "probability": [0.8] * len(ids)}
    write_table(pa.table(said), folder / "seed-0.parquet")
    write_json({"thresholds": {str(label): 0.5 + label / 10 for label in labels}}, folder / "seed-0.json")
    return {
        "clip": [str(folder / "clip.parquet")],
        "judgements": [str(folder / f"seed-0.{x}") for x in ("parquet", "json")],
    }


def test_the_threshold_beside_a_picture_is_that_of_the_class_which_the_classifier_sees(tmp_path):
    rows = [drawn_row("a", 0), drawn_row("b", 1)]
    table = read_pictures(write_set(tmp_path, rows, shards=2), **scored(tmp_path, rows))
    assert table["threshold"].tolist() == [0.6, 0.5]
    assert table["label"].tolist() == [0, 1]


def test_a_picture_without_a_score_is_refused(tmp_path):
    rows = [drawn_row("a", 0), drawn_row("b", 1)]
    path, scores = write_set(tmp_path, rows), scored(tmp_path, rows[:1])
    with pytest.raises(ValueError, match=r"clip.parquet: 1 pictures have no score \(one is 'b/sgid"):
        read_pictures(path, **scores)
