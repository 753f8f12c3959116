"""What the charts have in common: panels under one title and over one legend, whiskers, titles of series."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgid.figure_style import INK, new_figure

PANELS_A_LINE, SERIES_A_LINE = 4, 5
LEGEND_LINE = 0.24  # inches
CHOSEN = "chosen"
DOT = {"markersize": 6, "markeredgecolor": INK, "markeredgewidth": 0.6, "elinewidth": 1, "ecolor": INK, "capsize": 2}


def whiskers(part: pd.DataFrame, name: str, low: str = "low", high: str = "high") -> np.ndarray:
    """(2, N) distances from a column down to `low` and up to `high`, as matplotlib wants them; NaN draws none."""
    return np.stack([part[name] - part[low], part[high] - part[name]])


def row_title(row: str, titles: dict) -> str:
    """The row's title without the plus sign that it has in tables."""
    return titles["rows"][row].removeprefix("+ ")


def panel_title(part: pd.DataFrame, titles: dict) -> str:
    """The data set, below it the backbone."""
    first = part.iloc[0]
    return f"{titles['datasets'][first['dataset']]}\n{titles['backbones'][first['backbone']]}"


def panels_of(count: int, *, width: float, height: float, miniature: bool) -> tuple[Figure, list[Axes]]:
    """`count` panels of this size in inches, at most four a line."""
    columns = min(count, PANELS_A_LINE)
    lines = -(-count // columns)
    figure = new_figure(max(columns * width, 4.5), lines * height + 0.7, miniature=miniature)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count])


def put_heads(figure: Figure, of: Axes, *, title: str) -> None:
    """The title above all panels, and below them one legend of the series of the first."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    series = {label: handle for handle, label in zip(*of.get_legend_handles_labels(), strict=True)}
    labels = sorted(series, key=CHOSEN.__eq__)  # the mark after the series that have it
    # Room is set aside by hand: what matplotlib calls "outside" moves when a tight file is written.
    room = LEGEND_LINE * (-(-len(labels) // SERIES_A_LINE) + 0.5) / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, room, 1, 1 - room))
    place = {"loc": "lower left", "bbox_to_anchor": (0, 0), "bbox_transform": figure.transFigure}
    figure.legend([series[label] for label in labels], labels, ncols=SERIES_A_LINE, **place)
