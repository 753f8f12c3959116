"""The chart of what accuracy costs: time of every stage beside the gain that it brings."""

import math

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgid.cost_plan import STAGES
from sgid.figure_panels import DOT, put_heads, row_title, whiskers
from sgid.figure_style import INK, PALE, STYLE, looks, new_figure

# Seconds in it, plural, sign.
UNITS = ((3600.0, "hours", "h"), (60.0, "minutes", "min"), (1.0, "seconds", "s"))


@matplotlib.rc_context(STYLE)
def cost_figure(frame: pd.DataFrame, *, base: str, titles: dict, title: str) -> Figure:
    """What one classifier of each row takes, stage by stage, beside its gain over the row `base` and the price of it.

    A line of panels a backbone: bars of time on the left; gains, their 95 % intervals and extra time per point on the
    right.
    """
    parts = [part for _, part in frame.groupby("backbone", sort=False)]
    height = sum(1.1 + 0.32 * len(part) for part in parts) + 0.5
    figure = new_figure(8.4, height, miniature=bool(frame["miniature"].any()))
    grid = figure.subplots(len(parts), 2, squeeze=False, width_ratios=(1.25, 1), sharey="row")
    unit = unit_of(frame["seconds"].max())
    for (left, right), part in zip(grid, parts, strict=True):
        _stage_bars(left, part, unit=unit)
        _priced_gains(right, part[part["row"] != base], at=list(part["row"]))
        left.set_yticks(range(len(part)), [row_title(row, titles) for row in part["row"]])
        left.set_ylim(len(part) - 0.4, -0.6)
        left.set_title(titles["backbones"][part["backbone"].iloc[0]])
    grid[-1][0].set_xlabel(f"{unit[1]} of computing for one classifier")
    grid[-1][1].set_xlabel("gain over the backbone (percentage points)")
    put_heads(figure, grid[0][0], title=title)
    return figure


def unit_of(seconds: float) -> tuple[float, str, str]:
    """(seconds in it, plural, sign) of the largest unit of which there are two."""
    return next((unit for unit in UNITS if seconds >= 2 * unit[0]), UNITS[-1])


def _stage_bars(axes: Axes, part: pd.DataFrame, *, unit: tuple[float, str, str]) -> None:
    """Time of each stage end to end, from zero."""
    lefts = np.zeros(len(part))
    for stage, (colour, hatch, _) in zip(STAGES, looks(len(STAGES)), strict=True):
        widths = part[stage].to_numpy() / unit[0]
        style = {"color": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.4}
        axes.barh(np.arange(len(part)), widths, 0.62, left=lefts, label=stage, **style)
        lefts += widths
    axes.grid(visible=False, axis="y")
    axes.set_xlim(0, lefts.max() * 1.03)


def _priced_gains(axes: Axes, part: pd.DataFrame, *, at: list[str]) -> None:
    """Gains as points with whiskers, and to the right what a point costs."""
    y = [at.index(row) for row in part["row"]]
    look = DOT | {"color": "#FFFFFF", "marker": "D", "linestyle": "none"}
    axes.errorbar(part["gain"], y, xerr=whiskers(part, "gain"), **look)
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, row in zip(y, part.to_dict("records"), strict=True):
        axes.text(1.03, place, price(row), transform=axes.get_yaxis_transform(), fontsize=7.5, va="center")
    axes.text(1.03, 1.02, "extra time per point", transform=axes.transAxes, fontsize=8, color=PALE, va="bottom")
    axes.tick_params(left=False, labelleft=False)


def price(row: dict) -> str:
    """Extra time for a point of gain with its range: `2.1 h (1.5 to 4.0)`, or why there is none."""
    if row["unmeasured"]:
        return f"{row['unmeasured']} of its jobs not measured"
    if math.isnan(row["per_point"]):
        return "not measured"
    if math.isinf(row["per_point"]):
        return "no gain"
    if row["extra"] <= 0:
        return "no extra time"
    seconds, _, sign = unit_of(row["per_point"])
    names = ("per_point", "per_point_low", "per_point_high")
    middle, low, high = (_short(row[name] / seconds) for name in names)
    return f"{middle} {sign}" if math.isnan(row["per_point_low"]) else f"{middle} {sign} ({low} to {high})"


def _short(number: float) -> str:
    """About two digits: 2.4, 63, 380, or the sign of infinity."""
    return "∞" if math.isinf(number) else f"{number:.1f}" if number < 9.95 else f"{number:.0f}"
