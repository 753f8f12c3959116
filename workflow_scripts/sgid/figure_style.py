"""One look for all figures, and files whose bytes depend on nothing but what is drawn."""

from itertools import cycle, islice
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from sgid.runtime import replacing

# Okabe and Ito's palette: told apart by colour-blind readers; hatches and markers tell it apart in grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
HATCHES = ("", "///", "...", "xx", "\\\\\\", "--", "++", "oo")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, PALE = "#222222", "#666666"
STAMP = "miniature: drawn data set or tiny models; no reproduction of the paper"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "figure.dpi": 150,
    "text.color": INK,
}


def new_figure(width: float, height: float, *, miniature: bool, layout: str = "constrained") -> Figure:
    """An empty figure of this size in inches, stamped below its lower edge where its data are miniature."""
    figure = Figure(figsize=(width, height), layout=layout)
    if miniature:
        box = {"boxstyle": "square,pad=0.4", "facecolor": "#FFF3CD", "edgecolor": INK, "linewidth": 0.6}
        # In points below the edge, so that it covers nothing whatever the figure's height.
        figure.text(0.0, -14 / 72 / height, STAMP, fontsize=8, weight="bold", va="top", ha="left", bbox=box)
    return figure


def looks(count: int) -> list[tuple[str, str, str]]:
    """(colour, hatch, marker) of `count` series; they repeat after eight."""
    return list(islice(cycle(zip(COLOURS, HATCHES, MARKERS, strict=True)), count))


def save_figure(figure: Figure, *, pdf: str | Path, png: str | Path) -> None:
    """Write both files without dates or program names, so that equal figures are equal bytes."""
    kept_out = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}
    for path, kind in ((pdf, "pdf"), (png, "png")):
        with replacing(path) as temporary, matplotlib.rc_context(STYLE):
            figure.savefig(
                temporary, format=kind, metadata=kept_out[kind], bbox_inches="tight", pad_inches=0.1, facecolor="white"
            )
