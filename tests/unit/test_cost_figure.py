import math

import pandas as pd
import pytest

from sgid.cost_figure import cost_figure, price, unit_of
from sgid.cost_plan import STAGES

TITLES = {"rows": {"backbone": "Backbone", "sgid": "+ SGID"}, "backbones": {"vit": "ViT"}}
PRICED = {"per_point": 7200.0, "per_point_low": 3600.0, "per_point_high": 14400.0, "extra": 9000.0, "unmeasured": 0}


def frame(**changes) -> pd.DataFrame:
    base = dict.fromkeys(STAGES, 0.0) | {"row": "backbone", "training": 3600.0, "gain": 0.0, "low": math.nan}
    ours = {"captions": 3600.0, "pictures": 7200.0, "choice of noise": 1800.0, "training": 5400.0, "row": "sgid"}
    rows = [base | {"high": math.nan}, ours | {"gain": 2.0, "low": 1.5, "high": 2.5}]
    made = pd.DataFrame([row | PRICED | {"backbone": "vit", "miniature": False} for row in rows]).assign(**changes)
    return made.assign(seconds=made[list(STAGES)].sum(axis=1))


def figure(**changes):
    return cost_figure(frame(**changes), base="backbone", titles=TITLES, title="Cost")


def test_the_bars_of_a_row_are_its_stages_end_to_end_from_zero():
    bars = figure().axes[0].containers
    assert [bar.get_label() for bar in bars] == list(STAGES)
    assert [(bar[1].get_x(), bar[1].get_width()) for bar in bars] == [(0, 1), (1, 2), (3, 0.5), (3.5, 1.5)]
    assert figure().axes[0].get_xlim()[0] == 0


def test_the_base_has_a_bar_and_no_gain():
    left, right = figure().axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["Backbone", "SGID"]
    points = right.containers[0].lines[0]
    assert (points.get_xdata().tolist(), points.get_ydata().tolist()) == ([2.0], [1])


def test_a_gain_has_the_whiskers_of_its_interval():
    segment = figure().axes[1].containers[0].lines[2][0].get_segments()[0]
    assert segment[:, 0].tolist() == [1.5, 2.5]


def test_times_are_in_the_largest_unit_of_which_there_are_two():
    assert [unit_of(seconds)[2] for seconds in (1.0, 119.0, 120.0, 7199.0, 7200.0)] == ["s", "s", "min", "min", "h"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "2.0 h (1.0 to 4.0)"),
        ({"per_point_high": math.inf}, "2.0 h (1.0 to ∞)"),
        ({"per_point_low": math.nan, "per_point_high": math.nan}, "2.0 h"),
        ({"per_point": 63.0, "per_point_low": 34.0, "per_point_high": 380.4}, "63 s (34 to 380)"),
        ({"per_point": math.inf}, "no gain"),
        ({"per_point": math.nan}, "not measured"),
        ({"extra": -3.0, "per_point": -1.0}, "no extra time"),
    ],
)
def test_a_price_has_its_range_or_a_reason_why_there_is_none(changes, text):
    assert price(PRICED | changes) == text


def test_a_miniature_is_stamped():
    assert any("miniature" in text.get_text() for text in figure(miniature=True).texts)
    assert not any("miniature" in text.get_text() for text in figure().texts)
