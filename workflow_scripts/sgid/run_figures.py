"""Charts of the frames of `figure_frames`: accuracy by noise rate, gains by class, learning curves."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgid.figure_frames import PANEL, extremes
from sgid.figure_panels import CHOSEN, DOT, PANELS_A_LINE, panel_title, panels_of, put_heads, row_title, whiskers
from sgid.figure_style import INK, PALE, STYLE, looks, new_figure

CLASS_LINE = 0.2  # inches of height for one class
DODGE = 0.012  # of the noise rate, between two rows, so that equal accuracies do not hide each other


@matplotlib.rc_context(STYLE)
def noise_figure(frame: pd.DataFrame, *, titles: dict, title: str) -> Figure:
    """Validation accuracy (percent) by noise rate, a panel a data set, a line a row through the means of its seeds.

    Small points are the seeds; a ring marks the rate that was chosen. The panels' axes differ and do not start at zero.
    """
    datasets, rows = list(frame["dataset"].unique()), list(frame["row"].unique())
    figure, panels = panels_of(len(datasets), width=2.6, height=2.7, miniature=bool(frame["miniature"].any()))
    for axes, dataset in zip(panels, datasets, strict=True):
        axes.set_title(titles["datasets"][dataset])
        for place, (row, (colour, _, marker)) in enumerate(zip(rows, looks(len(rows)), strict=True)):
            part = frame[(frame["dataset"] == dataset) & (frame["row"] == row)]
            look = {"color": colour, "marker": marker, "label": row_title(row, titles)}
            _noise_line(axes, part, shift=(place - (len(rows) - 1) / 2) * DODGE, look=look)
        rates = sorted(frame["noise_rate"].unique(), key=float)
        axes.set(xlabel="noise rate", xticks=[float(rate) for rate in rates], xticklabels=rates)
        axes.margins(x=0.12, y=0.15)
    for axes in panels[::PANELS_A_LINE]:
        axes.set_ylabel("validation accuracy (%)")
    put_heads(figure, panels[0], title=title)
    return figure


def _noise_line(axes: Axes, part: pd.DataFrame, *, shift: float, look: dict) -> None:
    """The seeds of one row as small points, the line through their means, and the ring of the chosen rate."""
    if part.empty:
        return
    axes.plot(part["noise_rate"].astype(float) + shift, part["accuracy"], ".", color=look["color"], markersize=4)
    means = part.assign(rate=part["noise_rate"].astype(float)).groupby("rate")["accuracy"].mean()
    edge = {"markersize": 6, "markeredgecolor": INK, "markeredgewidth": 0.6, "linewidth": 1.2}
    axes.plot(means.index + shift, means, **look, **edge)
    chosen = float(part.loc[part["chosen"], "noise_rate"].iloc[0])
    ring = {"markersize": 13, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.1}
    axes.plot([chosen + shift], [means.loc[chosen]], "o", label=CHOSEN, **ring)


@matplotlib.rc_context(STYLE)
def classes_figure(frame: pd.DataFrame, *, count: int, titles: dict, title: str) -> Figure:
    """Gain of each class in percentage points, a panel a backbone and data set, a marker a row, whiskers 95 %.

    Classes are ordered by the gain of the first row; of more than 2 x `count` the first and the last `count` are shown.
    """
    parts = [part for _, part in frame.groupby(PANEL, sort=False)]
    rows = list(frame["row"].unique())
    shown = [extremes(part, row=rows[0], count=count) for part in parts]
    height = 1.3 + CLASS_LINE * max(map(len, shown)) * max(1, len(rows) / 2)
    figure, panels = panels_of(len(parts), width=3.4, height=height, miniature=bool(frame["miniature"].any()))
    for axes, part, names in zip(panels, parts, shown, strict=True):
        left_out = part["class_name"].nunique() - len(names)
        at = class_lines(names, count=count, broken=left_out > 0)
        for place, (row, (colour, _, marker)) in enumerate(zip(rows, looks(len(rows)), strict=True)):
            mine = part[part["row"] == row].set_index("class_name").reindex(names)
            y = at + (place - (len(rows) - 1) / 2) * 0.7 / len(rows)
            look = DOT | {"markersize": 5, "color": colour, "marker": marker, "linestyle": "none"}
            axes.errorbar(mine["gain"], y, xerr=whiskers(mine, "gain"), label=row_title(row, titles), **look)
        _name_classes(axes, names, at=at, left_out=left_out)
        axes.set_title(panel_title(part, titles))
        axes.set_xlabel("gain over the backbone\n(percentage points)")
    put_heads(figure, panels[0], title=title)
    return figure


def class_lines(names: Sequence[str], *, count: int, broken: bool) -> np.ndarray:
    """(N,) places down the axis; where classes are left out, a line stays free behind the first `count`."""
    return np.arange(len(names)) + broken * (np.arange(len(names)) >= count)


def _name_classes(axes: Axes, names: Sequence[str], *, at: np.ndarray, left_out: int) -> None:
    """Classes down the axis, the line of no gain, and on the free line how many classes are left out."""
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(at, [shortened(name) for name in names], fontsize=7.5)
    axes.set_ylim(at[-1] + 0.6, -0.6)
    if left_out:
        where = {"transform": axes.transAxes, "fontsize": 7.5, "color": PALE, "style": "italic"}
        middle = 1 - (len(names) / 2 + 0.6) / (at[-1] + 1.2)
        axes.text(0.02, middle, f"{left_out} classes between", va="center", backgroundcolor="white", **where)


def shortened(name: str, most: int = 24) -> str:
    """A long class name cut in its middle, so that both ends tell it from its neighbours."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


@matplotlib.rc_context(STYLE)
def curves_figure(frame: pd.DataFrame, *, titles: dict, title: str) -> Figure:
    """Training loss by epoch, below it validation accuracy where it was measured; a column a backbone and data set.

    Lines are means over seeds, bands reach from the lowest to the highest seed.
    """
    parts, rows = [part for _, part in frame.groupby(PANEL, sort=False)], list(frame["row"].unique())
    measures = {"train_loss": "training loss", "validation_accuracy": "validation accuracy (%)"}
    measures = {name: label for name, label in measures.items() if frame[name].notna().any()}
    size = 0.8 + 3.2 * len(parts), 0.9 + 2.3 * len(measures)
    figure = new_figure(*size, miniature=bool(frame["miniature"].any()))
    grid = figure.subplots(len(measures), len(parts), squeeze=False, sharex="col")
    for line, (name, label) in zip(grid, measures.items(), strict=True):
        line[0].set_ylabel(label)
        for axes, part in zip(line, parts, strict=True):
            for place, row in enumerate(rows):
                _curve(axes, part[part["row"] == row], name, place=place, of=len(rows), label=row_title(row, titles))
    for axes, part in zip(grid[0], parts, strict=True):
        axes.set_ylim(bottom=0)
        axes.set_title(panel_title(part, titles))
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    for axes in (each for each in grid.ravel() if not each.lines):
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=PALE)
        axes.set_yticks([])
    put_heads(figure, grid[0][0], title=title)
    return figure


def _curve(axes: Axes, part: pd.DataFrame, name: str, *, place: int, of: int, label: str) -> None:
    """The line of one row with its band; markers stand at other epochs for every row, so that none hides another."""
    by_epoch = part.dropna(subset=[name]).groupby("epoch")[name]
    if not len(by_epoch):
        return
    colour, _, marker = looks(of)[place]
    mean, step = by_epoch.mean(), max(1, len(by_epoch) // 6)
    axes.fill_between(mean.index, by_epoch.min(), by_epoch.max(), color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        mean.index, mean, color=colour, marker=marker, markevery=(place * step // of, step), markersize=5,
        markeredgecolor=INK, markeredgewidth=0.5, linewidth=1.2, label=label,
    )  # fmt: skip
