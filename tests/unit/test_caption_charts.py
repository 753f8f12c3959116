import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.caption_charts import Scale, curve_chart, histogram_chart, outlines_chart
from sgid.guidance import guidance_scale

HISTOGRAM = {"edges": [0.0, 0.1, 0.2, 0.3], "counts": [1, 0, 4]}
numbers = st.floats(-1000, 1000)


def points(line) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in line.points.split()]


def inside(chart, places) -> bool:
    return all(chart.left <= x <= chart.right and chart.top <= y <= chart.bottom for x, y in places)


@given(numbers, st.floats(1e-3, 1000))
def test_ticks_are_few_in_order_and_within_the_scale(low, span):
    ticks = Scale(low, low + span, 0, 100).ticks()
    places = [tick.place for tick in ticks]
    assert 1 <= len(ticks) <= 7
    assert places == sorted(places)
    assert all(-0.1 <= place <= 100.1 for place in places)


def test_ticks_are_round_numbers():
    assert [tick.text for tick in Scale(0.156, 0.329, 0, 1).ticks()] == ["0.2", "0.25", "0.3"]


def test_a_histogram_has_a_bar_for_every_count_but_none():
    chart = histogram_chart(HISTOGRAM, title="t", x_label="x")
    assert [bar.title for bar in chart.bars] == ["0.000 to 0.100: 1 images", "0.200 to 0.300: 4 images"]
    assert chart.bars[1].height == pytest.approx(4 * chart.bars[0].height, abs=0.1)


def test_a_histogram_counts_whole_images():
    ticks = histogram_chart({"edges": [0, 1], "counts": [1]}, title="t", x_label="x").y_ticks
    assert [tick.text for tick in ticks] == ["0", "1"]


def test_a_histogram_of_nothing_is_empty():
    chart = histogram_chart({"edges": [0, 1], "counts": [0]}, title="t", x_label="x")
    assert (chart.bars, len(chart.x_ticks)) == ([], 6)


SPREAD = {"n": 5, "min": 0.1, "q05": 0.2, "median": 0.25, "q95": 0.3, "max": 0.4}
NOTHING = dict.fromkeys(SPREAD) | {"n": 0}


def test_the_curve_shows_where_the_images_lie():
    chart = curve_chart(guidance_scale, SPREAD, title="t")
    assert chart.bands[0].title == "s* of nine in ten images: 0.200 to 0.300"
    (line,) = chart.lines
    assert min(y for _, y in points(line)) == pytest.approx(chart.dots[0].y)  # the median is where f is greatest


def test_the_curve_reaches_similarities_beyond_1_and_below_0():
    chart = curve_chart(lambda value: 1.0, SPREAD | {"min": -0.2, "max": 2.0}, title="t")
    assert {"0", "2"} <= {tick.text for tick in chart.x_ticks}
    assert inside(chart, points(chart.lines[0]))


def test_the_curve_of_no_images_and_of_guidance_0_can_be_drawn():
    chart = curve_chart(lambda value: 0.0, NOTHING, title="t")
    assert (chart.bands, chart.dots) == ([], [])


def test_outlines_are_shares_of_their_own_sum():
    doubled = {"edges": HISTOGRAM["edges"], "counts": [2, 0, 8]}
    chart = outlines_chart({"beam": HISTOGRAM, "nucleus": doubled}, title="t", x_label="x")
    assert [line.name for line in chart.lines] == ["beam", "nucleus"]
    assert chart.lines[0].points == chart.lines[1].points
    assert inside(chart, points(chart.lines[0]))


def test_outlines_of_nothing_lie_on_the_base_line():
    chart = outlines_chart({"beam": {"edges": [0, 1], "counts": [0]}}, title="t", x_label="x")
    assert {y for _, y in points(chart.lines[0])} == {chart.bottom}
