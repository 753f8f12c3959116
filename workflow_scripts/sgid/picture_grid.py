"""A grid of pictures on paper: titles above the columns, a label beside and a note below each row."""

import textwrap
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from sgid.figure_style import INK, PALE, STYLE, new_figure
from sgid.image_table import TINY

SIDE, GAP, NOTE_LINE, HEAD, HEAD_LINE, LABEL = 1.3, 0.08, 0.17, 0.3, 0.15, 1.1  # inches


@dataclass(frozen=True)
class GridRow:
    """One line of a grid: a label on the left, a picture (or None) a column, a note below."""

    label: str
    pictures: tuple[Image.Image | None, ...]
    note: str = ""


@matplotlib.rc_context(STYLE)
def picture_grid(rows: list[GridRow], *, columns: list[str], title: str, miniature: bool) -> Figure:
    """Draw the grid; every column is `SIDE` inches wide, heights follow titles and notes."""
    width = LABEL + (SIDE + GAP) * len(columns)
    notes = [_wrapped(row.note, width) for row in rows]
    heights = [SIDE + GAP + NOTE_LINE * len(lines) for lines in notes]
    names = [textwrap.wrap(name, 16) for name in columns]
    head = max(HEAD, HEAD_LINE * max(map(len, names)) + GAP)
    top = HEAD + head
    figure = new_figure(width, top + sum(heights), miniature=miniature, layout="none")
    _text(figure, 0, HEAD * 0.4, title, size=11, ha="left")
    for column, lines in enumerate(names):
        _text(figure, LABEL + (SIDE + GAP) * column + SIDE / 2, HEAD + head / 2, "\n".join(lines), weight="bold")
    for row, lines, height in zip(rows, notes, heights, strict=True):
        _grid_row(figure, row, top=top)
        for place, line in enumerate(lines):
            _text(figure, LABEL, top + SIDE + NOTE_LINE * (place + 0.55), line, size=7.5, ha="left", color=PALE)
        top += height
    return figure


def _wrapped(note: str, width: float) -> list[str]:
    """Lines that fit beside the label: about 17 characters an inch at the note's size."""
    return [part for line in note.splitlines() for part in textwrap.wrap(line, int((width - LABEL) * 17))]


def _grid_row(figure: Figure, row: GridRow, *, top: float) -> None:
    _text(figure, LABEL - 0.1, top + SIDE / 2, "\n".join(textwrap.wrap(row.label, 14)), ha="right")
    width, height = figure.get_size_inches()
    for column, picture in enumerate(row.pictures):
        if picture is not None:
            left = LABEL + (SIDE + GAP) * column
            axes = figure.add_axes((left / width, 1 - (top + SIDE) / height, SIDE / width, SIDE / height))
            axes.imshow(np.asarray(picture), interpolation="nearest" if max(picture.size) <= TINY else "antialiased")
            axes.set_axis_off()


def _text(
    figure: Figure, x: float, y: float, text: str, *, size: float = 9, ha: str = "center", weight: str = "normal",
    color: str = INK,
) -> None:  # fmt: skip
    """Text at (x, y) inches from the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(x / width, 1 - y / height, text, fontsize=size, ha=ha, va="center", weight=weight, color=color)
