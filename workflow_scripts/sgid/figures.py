"""The paper's charts from long-form frames: Figure 1, Figure 3 and the plane of consistency and diversity."""

import math
import textwrap
from collections.abc import Mapping
from types import MappingProxyType

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from sgid.classes import ALL
from sgid.figure_panels import DOT, row_title, whiskers
from sgid.figure_style import INK, PALE, STYLE, looks, new_figure
from sgid.results_table import AVERAGE
from sgid.tables import as_printed

NO_NUMBERS: Mapping[str, float] = MappingProxyType({})
NAME_WIDTH, COLUMN_WIDTH = 1.3, 1.25  # inches, of Figure 1's table
HEAD, LINE, PAPER_LINE = 1.05, 0.36, 0.18


@matplotlib.rc_context(STYLE)
def overview_figure(
    cells: pd.DataFrame, *, base: str, titles: dict, title: str, strip: dict[str, Image.Image]
) -> Figure:
    """Figure 1: accuracy (percent) and gain over the row `base`; rows data sets, columns methods in display order.

    `cells` as `tables.table_cells` makes them, of one backbone; `strip` maps methods to example pictures, {} for none.
    Where the paper's numbers stand in `cells`, they are printed in grey below ours.
    """
    methods, datasets = list(cells["row"].unique()), list(cells["dataset"].unique())
    beside_paper = bool(cells["paper"].notna().any())
    step = LINE + (PAPER_LINE if beside_paper else 0)
    top = HEAD + (COLUMN_WIDTH if strip else 0)
    width, height = NAME_WIDTH + COLUMN_WIDTH * len(methods), top + step * len(datasets) + 0.1
    figure = new_figure(width, height, miniature=bool(cells["miniature"].any()), layout="none")
    axes = _blank_axes(figure, width, height, title=title)
    names = {**titles["rows"], base: titles["backbones"][cells["backbone"].iloc[0]]}
    _overview_head(axes, methods, base=base, names=names)
    _strip(axes, [strip.get(method) for method in methods])
    table = {(cell["dataset"], cell["row"]): cell for cell in cells.to_dict("records")}
    for line, dataset in enumerate(datasets):
        y = top + step * (line + 0.5)
        axes.axhline(top + step * line, color=INK, linewidth=0.8 if line == 0 or dataset == AVERAGE else 0.2)
        axes.text(0.05, y, {**titles["datasets"], AVERAGE: "Avg."}[dataset], va="center", weight="bold")
        for column, method in enumerate(methods):
            _overview_cell(axes, _centre(column), y, cell=table[dataset, method], base=table[dataset, base])
    axes.axhline(top + step * len(datasets), color=INK, linewidth=0.8)
    return figure


def _blank_axes(figure: Figure, width: float, height: float, *, title: str) -> Axes:
    """Axes in inches from the upper left corner, without frame, ticks or grid."""
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.text(0.05, 0.1, title, fontsize=10, va="center")
    return axes


def _centre(column: int) -> float:
    return NAME_WIDTH + COLUMN_WIDTH * (column + 0.5)


def _overview_head(axes: Axes, methods: list[str], *, base: str, names: dict[str, str]) -> None:
    """Method names under the arrow from consistency to diversity, which spans all methods but the base."""
    others = [column for column, method in enumerate(methods) if method != base]
    left, right = _centre(others[0]) - COLUMN_WIDTH / 2, _centre(others[-1]) + COLUMN_WIDTH / 2
    axes.annotate("", (right, 0.62), (left, 0.62), arrowprops={"arrowstyle": "<->", "color": PALE})
    axes.text(left, 0.5, "more semantic consistency", va="center", color=PALE, style="italic")
    axes.text(right, 0.5, "more image diversity", va="center", ha="right", color=PALE, style="italic")
    for column, method in enumerate(methods):
        name = "\n".join(textwrap.wrap(names[method].removeprefix("+ "), 14))
        axes.text(_centre(column), 0.85, name, ha="center", va="center", weight="bold")


def _strip(axes: Axes, pictures: list[Image.Image | None]) -> None:
    limits = axes.get_xlim(), axes.get_ylim()
    for column, picture in enumerate(pictures):
        if picture is not None:
            middle, half = _centre(column), COLUMN_WIDTH * 0.45
            extent = (middle - half, middle + half, HEAD + 2 * half, HEAD)
            axes.imshow(np.asarray(picture), extent=extent, interpolation="nearest", aspect="auto")
    axes.set(xlim=limits[0], ylim=limits[1])


def _overview_cell(axes: Axes, x: float, y: float, *, cell: dict, base: dict) -> None:
    published = not math.isnan(cell["paper"])
    weight = "bold" if cell["best"] else "normal"
    text = _with_gain(cell, base, key="mean")
    axes.text(x, y - 0.09 * published, text, ha="center", va="center", weight=weight)
    if published:
        paper = f"paper {_with_gain(cell, base, key='paper')}"
        axes.text(x, y + 0.12, paper, ha="center", va="center", fontsize=6.5, color=PALE)


def _with_gain(cell: dict, base: dict, *, key: str) -> str:
    """`91.77 (+0.57)`; no bracket on the base itself or where the base has not run, a dash where nothing has."""
    if math.isnan(cell[key]):
        return "–"
    if cell["row"] == base["row"] or math.isnan(base[key]):
        return f"{as_printed(cell[key]):.2f}"
    gain = as_printed(cell[key]) - as_printed(base[key])
    return f"{as_printed(cell[key]):.2f} ({gain:+.2f})".replace("-", "−")


@matplotlib.rc_context(STYLE)
def similarity_figure(
    similarity: pd.DataFrame, *, titles: dict, title: str, paper: Mapping[str, float] = NO_NUMBERS
) -> Figure:
    """Figure 3: mean cosine of originals and their augmented images, a group of bars a class, a bar a method.

    Whiskers: 95 % interval over the originals of the class. The mean over all originals stands in the legend, beside
    it the paper's, where `paper` has one for the method.
    """
    classes = similarity[similarity["class_name"] != ALL]
    methods, names = list(similarity["method"].unique()), list(classes["class_name"].unique())
    figure = new_figure(max(6.0, 0.9 * len(names) + 1), 3.6, miniature=bool(similarity["miniature"].any()))
    axes = figure.add_subplot(title=title)
    width = 0.84 / len(methods)
    for place, (method, (colour, hatch, _)) in enumerate(zip(methods, looks(len(methods)), strict=True)):
        part = classes[classes["method"] == method].set_index("class_name").reindex(names)
        label = f"{row_title(method, titles)} {overall(similarity, method):.3f}{_published(paper, method)}"
        axes.bar(
            np.arange(len(names)) + (place - (len(methods) - 1) / 2) * width,
            part["mean_cosine"], width, yerr=whiskers(part, "mean_cosine"), label=label, color=colour, hatch=hatch,
            edgecolor=INK, linewidth=0.4, error_kw={"elinewidth": 0.7, "ecolor": INK},
        )  # fmt: skip
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="mean cosine similarity to the original", xlim=(-0.6, len(names) - 0.4))
    ends = classes[["mean_cosine", "low", "high"]]
    axes.set_ylim(min(0.0, ends.min(axis=None)), max(1.0, ends.max(axis=None)))
    axes.grid(visible=False, axis="x")
    legend = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1), "ncols": 4, "frameon": False}
    axes.legend(**legend, title="mean over all originals", title_fontsize=8)
    _small_print(axes, similarity)
    return figure


def _published(paper: Mapping[str, float], method: str) -> str:
    return f" (paper {paper[method]:.4f})" if method in paper else ""


def overall(similarity: pd.DataFrame, method: str) -> float:
    """Mean cosine over all originals of a method: its `all` row."""
    return float(_all_rows(similarity).set_index("method").loc[[method], "mean_cosine"].iloc[0])


def _all_rows(similarity: pd.DataFrame) -> pd.DataFrame:
    return similarity[similarity["class_name"] == ALL]


def _small_print(axes: Axes, similarity: pd.DataFrame) -> None:
    """What was measured, in the upper right corner."""
    rows = _all_rows(similarity)
    encoders = ", ".join(rows["encoder"].unique())
    counts = f"originals: {_range(rows['originals'])}, images of each: {_range(rows['images_per_original'])}"
    text = f"encoder: {encoders}; {counts}"
    axes.set_title(text, loc="right", fontsize=7, color=PALE)


def _range(counts: pd.Series) -> str:
    """`5`, or `1–5` where methods differ."""
    return "–".join(map(str, sorted({counts.min(), counts.max()})))


@matplotlib.rc_context(STYLE)
def consistency_figure(similarity: pd.DataFrame, *, titles: dict, title: str) -> Figure:
    """Each method as a point: how close its images stay to the original, and how much they differ among themselves.

    Consistency: mean cosine of an original and its augmented images in the space of the encoder. Diversity: 1 - mean
    cosine between the augmented images of one original; with one image each it can only be 1 - consistency, and the
    axis says so. Whiskers: 95 % intervals over originals. Rows that share a method and differ in `noise_rate` are
    joined by a line.
    """
    points = _all_rows(similarity)
    figure = new_figure(5.6, 4.2, miniature=bool(points["miniature"].any()))
    axes = figure.add_subplot(title=title)
    methods = list(points["method"].unique())
    for method, (colour, _, marker) in zip(methods, looks(len(methods)), strict=True):
        part = points[points["method"] == method]
        across = whiskers(part, "diversity", "diversity_low", "diversity_high")
        axes.errorbar(
            part["diversity"], part["mean_cosine"], yerr=whiskers(part, "mean_cosine"), xerr=across,
            label=row_title(method, titles), color=colour, marker=marker, linewidth=1, **DOT | {"markersize": 8},
        )  # fmt: skip
        _name_noise(axes, part)
    axes.set(xlabel=_diversity_label(points), ylabel="consistency (mean cosine to the original)")
    axes.margins(0.12)
    axes.legend(loc="best")
    _arrows(axes)
    _small_print(axes, similarity)
    return figure


def _diversity_label(points: pd.DataFrame) -> str:
    single = points["images_per_original"].eq(1)
    if single.all():
        return "diversity (1 − consistency: one image an original)"
    exception = ", or to it where there is one" if single.any() else ""
    return f"diversity (1 − mean cosine among the images of an original{exception})"


def _name_noise(axes: Axes, points: pd.DataFrame) -> None:
    if len(points) > 1:
        for point in points.to_dict("records"):
            place = (point["diversity"], point["mean_cosine"])
            axes.annotate(f"n = {point['noise_rate']}", place, (7, 5), textcoords="offset points", fontsize=7)


def _arrows(axes: Axes) -> None:
    """Which way is more, outside the frame: up the right edge, and along the upper edge."""
    style = {"arrowstyle": "->", "color": PALE}
    where = {
        "xycoords": "axes fraction",
        "textcoords": "axes fraction",
        "color": PALE,
        "style": "italic",
        "fontsize": 8,
    }
    axes.annotate("more consistency", (1.03, 1), (1.03, 0.3), rotation=90, ha="center", arrowprops=style, **where)
    axes.annotate("more diversity", (1, -0.2), (0.55, -0.2), va="center", arrowprops=style, **where)
