"""A plan as a terminal of 80 to 100 columns shows it; as a file it has all columns (standard library only)."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from sgid.planning.plan_report import HEADS, answers, gpus_of, line_of, placed, shown, total_of
from sgid.planning.summary import Summary

WIDTH = 100
FILES = "In results/plan: all columns, and each basis in full."
DETAILS = re.compile(r" \([^)]*\)")  # of a basis: the file behind a measured figure, the number of your jobs


def plan_text(summary: Summary, *, notes: Iterable[str]) -> str:
    """The table without columns in which nothing stands, the answers and the notes."""
    title = f"# Plan of {', '.join(summary.names)}, on {gpus_of(summary)}"
    lines = [HEADS, *map(line_of, shown(summary.rows)), total_of(summary)]
    listed = [wrapped(f"- {note}", indent="  ") for note in (*answers(summary), *notes, FILES)]
    return "\n".join([wrapped(title), "", *table(list(map(short, lines))), "", *listed]) + "\n"


def short(cells: Sequence[str]) -> list[str]:
    """A line that names its rule, or its stage where it is of several rules, and its basis in a word or two."""
    stage, rule, *numbers, basis = cells
    named = stage if rule.startswith("(") or not rule else rule
    plain = DETAILS.sub("", basis)
    return ["", named, *numbers, "several" if "," in plain else plain]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines whose columns are as wide as their widest cell; the first row has the headings."""
    columns = [(head, column) for head, column in zip(HEADS, zip(*rows, strict=True), strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for _, column in columns]
    lines = zip(*(column for _, column in columns), strict=True)
    return [
        "  ".join(
            placed(cell, width, head) for cell, width, (head, _) in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    ]


def wrapped(text: str, *, indent: str = "") -> str:
    """In lines that fit; commands and paths stay whole."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
