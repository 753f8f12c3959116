import math
from collections import Counter

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from sgid.figure_style import save_figure
from sgid.figures import consistency_figure, overall, overview_figure, similarity_figure
from sgid.matrix import Matrix
from sgid.paper_numbers import read_paper_numbers
from sgid.presentation import Presentation
from sgid.tables import published_cells

TITLES = {
    "rows": {"backbone": "Backbone", "ra": "+ RA", "sgid": "+ SGID"},
    "datasets": {"pets": "Pets"},
    "backbones": {"vit": "ViT"},
}


def cells_of(*, paper: float = math.nan, miniature: bool = False, **means: float) -> pd.DataFrame:
    best = max(means.values())
    rows = [
        {"backbone": "vit", "row": row, "dataset": "pets", "mean": mean, "best": mean == best}
        | {"paper": paper, "miniature": miniature}
        for row, mean in means.items()
    ]
    return pd.DataFrame(rows)


def overview(cells: pd.DataFrame, strip: dict | None = None) -> Figure:
    return overview_figure(cells, base="backbone", titles=TITLES, title="Figure 1", strip=strip or {})


def similarity(*, miniature: bool = False, images: int = 5) -> pd.DataFrame:
    measured = {"encoder": "CLIP", "originals": 20, "images_per_original": images, "miniature": miniature}
    rows = [
        {"dataset": "cifar10", "method": method, "class_name": name, "noise_rate": ""}
        | {"mean_cosine": mean, "low": mean - 0.02, "high": mean + 0.01}
        | {"diversity": 1 - mean, "diversity_low": 0.9 - mean, "diversity_high": 1.2 - mean}
        | measured
        for method, level in (("ra", 0.9), ("sgid", 0.8))
        for name, mean in (("airplane", level), ("bird", level - 0.1), ("all", level - 0.05))
    ]
    return pd.DataFrame(rows)


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]


def test_figure_1_prints_the_gain_over_the_base():
    texts = texts_of(overview(cells_of(backbone=70.0, ra=71.5, sgid=69.0)))
    assert {"70.00", "71.50 (+1.50)", "69.00 (−1.00)"} <= set(texts)


def test_figure_1_shows_the_best_in_bold():
    texts = overview(cells_of(backbone=70.0, ra=71.5)).axes[0].texts
    assert [text.get_text() for text in texts if text.get_weight() == "bold" and "71" in text.get_text()]


def test_figure_1_prints_a_dash_for_what_has_not_run():
    assert "–" in texts_of(overview(cells_of(backbone=70.0, ra=math.nan)))


def test_figure_1_without_its_base_has_no_gains():
    assert "71.50" in texts_of(overview(cells_of(backbone=math.nan, ra=71.5)))


def test_figure_1_prints_the_papers_numbers_where_it_has_them():
    assert "paper 65.00 (+0.00)" in texts_of(overview(cells_of(backbone=70.0, ra=71.5, paper=65.0)))


def test_figure_1_draws_the_pictures_it_is_given():
    figure = overview(cells_of(backbone=70.0, sgid=71.0), {"sgid": Image.new("RGB", (8, 8))})
    assert len(figure.axes[0].images) == 1


def test_figure_1_as_published_prints_every_accuracy_and_gain_of_the_paper(config):
    matrix = Matrix(config)
    shown, path = Presentation(matrix), "config/paper/figure1.csv"
    paper = read_paper_numbers([path], datasets=shown.paper_names("figure1"))
    cells = published_cells(matrix.cells("figure1"), paper)
    figure = overview_figure(cells, base="backbone", titles=shown.titles("figure1"), title="", strip={})
    printed = pd.read_csv(path)
    wanted = [
        f"{accuracy:.2f}" if math.isnan(gain) else f"{accuracy:.2f} ({gain:+.2f})".replace("-", "−")
        for accuracy, gain in zip(printed["accuracy"], printed["gain_over_backbone"], strict=True)
    ]
    assert len(wanted) == 5 * 6
    assert Counter(wanted) <= Counter(texts_of(figure))


def test_figure_3_has_a_bar_for_each_class_and_method():
    figure = similarity_figure(similarity(), titles=TITLES, title="Figure 3")
    assert [bar.get_height() for bar in figure.axes[0].patches] == pytest.approx([0.9, 0.8, 0.8, 0.7])


def test_figure_3_names_the_overall_mean_of_each_method():
    assert overall(similarity(), "sgid") == pytest.approx(0.75)
    assert {"RA 0.850", "SGID 0.750"} <= set(texts_of(similarity_figure(similarity(), titles=TITLES, title="")))


def test_figure_3_names_the_papers_mean_beside_the_method_that_has_one():
    figure = similarity_figure(similarity(), titles=TITLES, title="", paper={"sgid": 0.8548})
    assert {"RA 0.850", "SGID 0.750 (paper 0.8548)"} <= set(texts_of(figure))


def test_figure_3_starts_at_zero():
    assert similarity_figure(similarity(), titles=TITLES, title="").axes[0].get_ylim() == (0, 1)


def test_a_class_with_one_original_has_a_bar_without_whisker():
    frame = similarity().assign(low=math.nan, high=math.nan)
    assert len(similarity_figure(frame, titles=TITLES, title="").axes[0].patches) == 4


def test_the_small_print_has_a_range_where_methods_were_measured_differently():
    frame = pd.concat([similarity(images=1)[:3], similarity(images=5)[3:]])
    assert "encoder: CLIP; originals: 20, images of each: 1–5" in texts_of(
        similarity_figure(frame, titles=TITLES, title="")
    )


def test_the_plane_has_one_point_a_method():
    axes = consistency_figure(similarity(), titles=TITLES, title="").axes[0]
    points = [container.lines[0].get_xydata().tolist() for container in axes.containers]
    assert points == [[[pytest.approx(0.15), pytest.approx(0.85)]], [[pytest.approx(0.25), pytest.approx(0.75)]]]


def test_the_plane_has_the_intervals_of_both_axes():
    _, bars = consistency_figure(similarity(), titles=TITLES, title="").axes[0].containers[0].lines[1:]
    across, upright = (bar.get_segments()[0].tolist() for bar in bars)
    assert across == [[pytest.approx(0.05), pytest.approx(0.85)], [pytest.approx(0.35), pytest.approx(0.85)]]
    assert upright == [[pytest.approx(0.15), pytest.approx(0.83)], [pytest.approx(0.15), pytest.approx(0.86)]]


def test_the_plane_joins_the_noise_rates_of_a_method_and_names_them():
    sgid = similarity()[lambda frame: (frame["method"] == "sgid") & (frame["class_name"] == "all")]
    rates = pd.concat([sgid.assign(noise_rate=rate) for rate in ("0.3", "0.7")])
    figure = consistency_figure(rates, titles=TITLES, title="")
    assert len(figure.axes[0].containers) == 1
    assert {"n = 0.3", "n = 0.7"} <= set(texts_of(figure))


def test_the_plane_says_what_diversity_is_with_one_image_an_original():
    label = consistency_figure(similarity(images=1), titles=TITLES, title="").axes[0].get_xlabel()
    assert label == "diversity (1 − consistency: one image an original)"


@pytest.mark.parametrize("miniature", [True, False])
def test_only_miniature_figures_are_stamped(miniature):
    frame = similarity(miniature=miniature)
    figures = [
        similarity_figure(frame, titles=TITLES, title=""),
        consistency_figure(frame, titles=TITLES, title=""),
        overview(cells_of(backbone=1.0, ra=2.0, miniature=miniature)),
    ]
    assert [any("miniature" in text for text in texts_of(figure)) for figure in figures] == [miniature] * 3


def test_equal_figures_are_equal_bytes(tmp_path):
    paths = [(tmp_path / f"{name}.pdf", tmp_path / f"{name}.png") for name in "ab"]
    for pdf, png in paths:
        save_figure(similarity_figure(similarity(), titles=TITLES, title=""), pdf=pdf, png=png)
    (first_pdf, first_png), (second_pdf, second_png) = paths
    assert first_pdf.read_bytes() == second_pdf.read_bytes()
    assert first_png.read_bytes() == second_png.read_bytes()
    assert b"CreationDate" not in first_pdf.read_bytes()
