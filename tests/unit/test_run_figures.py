import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgid.figure_style import save_figure
from sgid.run_figures import class_lines, classes_figure, curves_figure, noise_figure, shortened

TITLES = {
    "rows": {"sgid": "+ SGID", "ra": "+ RA"},
    "datasets": {"pets": "Pets", "dtd": "DTD"},
    "backbones": {"vit": "ViT"},
}


def noise(*, datasets: tuple[str, ...] = ("pets",), miniature: bool = False) -> Figure:
    accuracies = {"0.3": (70.0, 72.0), "0.5": (71.0, 75.0), "0.7": (60.0, 61.0)}
    rows = [
        {
            "dataset": dataset,
            "row": "sgid",
            "noise_rate": rate,
            "seed": seed,
            "accuracy": value,
            "chosen": rate == "0.5",
            "miniature": miniature,
        }
        for dataset in datasets
        for rate, values in reversed(accuracies.items())
        for seed, value in enumerate(values)
    ]
    return noise_figure(pd.DataFrame(rows), titles=TITLES, title="Noise")


def gains(**by_class: tuple[float, float]) -> pd.DataFrame:
    about = {"backbone": "vit", "dataset": "pets", "seeds": 3, "miniature": True}
    rows = [
        about | {"row": row, "class_name": name, "gain": gain, "low": gain - 1, "high": gain + 2}
        for row, place in (("sgid", 0), ("ra", 1))
        for name, pair in by_class.items()
        for gain in [pair[place]]
    ]
    return pd.DataFrame(rows)


def curves(*, measured: bool) -> pd.DataFrame:
    rows = [
        {"backbone": "vit", "dataset": dataset, "row": "sgid", "seed": seed, "epoch": epoch, "miniature": False}
        | {"train_loss": 4.0 / epoch + seed}
        | {"validation_accuracy": 50.0 + epoch if measured and dataset == "pets" else math.nan}
        for dataset in ("pets", "dtd")
        for seed in (0, 1)
        for epoch in range(1, 5)
    ]
    return pd.DataFrame(rows)


def line_of(axes: Axes, label: str) -> np.ndarray:
    """(N, 2) of the points joined by the line of that label."""
    return next(line.get_xydata() for line in axes.lines if line.get_label() == label)


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]


def test_the_line_of_noise_goes_through_the_means_by_rising_rate():
    points = line_of(noise().axes[0], "SGID")
    assert points.tolist() == [[0.3, 71.0], [0.5, 73.0], [0.7, 60.5]]


def test_the_ring_stands_at_the_chosen_rate():
    assert line_of(noise().axes[0], "chosen").tolist() == [[0.5, 73.0]]


def test_every_seed_is_a_point():
    seeds = next(line for line in noise().axes[0].lines if line.get_marker() == ".")
    assert sorted(seeds.get_ydata()) == [60.0, 61.0, 70.0, 71.0, 72.0, 75.0]


def test_every_data_set_has_a_panel_of_its_own():
    figure = noise(datasets=("pets", "dtd"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Pets", "DTD"]
    assert legend_of(figure) == ["SGID", "chosen"]


def test_rows_stand_beside_each_other_at_one_rate():
    both = [{"dataset": "pets", "row": row, "noise_rate": "0.5", "seed": 0, "accuracy": 70.0} for row in ("sgid", "ra")]
    figure = noise_figure(pd.DataFrame(both).assign(chosen=True, miniature=False), titles=TITLES, title="")
    places = [line_of(figure.axes[0], label)[0, 0] for label in ("SGID", "RA")]
    assert places[0] < 0.5 < places[1]


def points_of(axes: Axes) -> list[tuple[list, list]]:
    """(gains, places) of each row of the figure of classes."""
    return [(lines[0].get_xdata().tolist(), lines[0].get_ydata().tolist()) for lines in axes.containers]


def test_classes_are_ordered_by_the_gain_of_the_first_row():
    figure = classes_figure(gains(a=(1.0, 5.0), b=(3.0, -1.0)), count=5, titles=TITLES, title="")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    assert [values for values, _ in points_of(axes)] == [[3.0, 1.0], [-1.0, 5.0]]
    assert axes.yaxis.get_inverted()


def test_whiskers_of_a_class_reach_the_ends_of_its_interval():
    axes = classes_figure(gains(a=(1.0, 5.0)), count=5, titles=TITLES, title="").axes[0]
    segments = [container.lines[2][0].get_segments()[0][:, 0].tolist() for container in axes.containers]
    assert segments == [[0.0, 3.0], [4.0, 7.0]]


def test_what_is_left_out_between_the_extremes_is_counted():
    many = {f"class{i}": (float(i), 0.0) for i in range(9)}
    figure = classes_figure(gains(**many), count=2, titles=TITLES, title="")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["class8", "class7", "class1", "class0"]
    assert "5 classes between" in texts_of(figure)


def test_a_line_stays_free_where_classes_are_left_out():
    assert class_lines("abcd", count=2, broken=True).tolist() == [0, 1, 3, 4]
    assert class_lines("abcd", count=2, broken=False).tolist() == [0, 1, 2, 3]


def test_a_long_class_name_keeps_both_ends():
    assert shortened("Chevrolet Silverado 1500 Extended Cab 2012") == "Chevrolet Si…ed Cab 2012"
    assert shortened("cat") == "cat"


def test_a_curve_is_the_mean_over_seeds_and_its_band_their_range():
    figure = curves_figure(curves(measured=False), titles=TITLES, title="")
    axes = figure.axes[0]
    assert line_of(axes, "SGID").tolist() == [[1, 4.5], [2, 2.5], [3, pytest.approx(4 / 3 + 0.5)], [4, 1.5]]
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1.0, 5.0)


def test_loss_starts_at_zero():
    assert curves_figure(curves(measured=False), titles=TITLES, title="").axes[0].get_ylim()[0] == 0


def test_validation_is_drawn_where_it_was_measured_and_else_said_not_to_be():
    assert len(curves_figure(curves(measured=False), titles=TITLES, title="").axes) == 2
    figure = curves_figure(curves(measured=True), titles=TITLES, title="")
    assert line_of(figure.axes[2], "SGID")[:, 1].tolist() == [51.0, 52.0, 53.0, 54.0]
    assert [text.get_text() for text in figure.axes[3].texts] == ["not measured"]


@pytest.mark.parametrize("miniature", [True, False])
def test_only_miniature_figures_are_stamped(miniature):
    figures = [
        noise(miniature=miniature),
        classes_figure(gains(a=(1.0, 2.0)).assign(miniature=miniature), count=5, titles=TITLES, title=""),
        curves_figure(curves(measured=True).assign(miniature=miniature), titles=TITLES, title=""),
    ]
    assert [any("miniature" in text for text in texts_of(figure)) for figure in figures] == [miniature] * 3


def test_the_legend_covers_no_panel_even_in_the_file(tmp_path):
    figure = noise(miniature=True)
    save_figure(figure, pdf=tmp_path / "a.pdf", png=tmp_path / "a.png")
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_tightbbox()) for axes in figure.axes)


def test_equal_figures_are_equal_bytes(tmp_path):
    for name in "ab":
        save_figure(noise(), pdf=tmp_path / f"{name}.pdf", png=tmp_path / f"{name}.png")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
