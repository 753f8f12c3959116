"""A plan as a table to read, as CSV and as JSON; nothing is computed here but sums (standard library only)."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace

from sgid.planning.graph import LAST_STAGE
from sgid.planning.summary import Row, Summary

HEADS = ("stage", "rule", "to do", "done", "images", "captions", "runs", "GPU h", "naive h", "disk", "basis")
RIGHT = HEADS[2:-1]


def markdown(summary: Summary, *, notes: Iterable[str]) -> str:
    """The whole plan, as a file."""
    table = aligned([HEADS, *map(line_of, shown(summary.rows)), total_of(summary)])
    listed = "\n".join(f"- {note}" for note in (*answers(summary), *notes))
    return f"# Plan of {', '.join(summary.names)}, on {gpus_of(summary)}\n\n{table}\n\n{listed}\n"


def shown(rows: Sequence[Row]) -> list[Row]:
    """All rows, but of tables and figures those without a GPU as one."""
    last = [row for row in rows if row.stage == LAST_STAGE and not row.basis]
    numbers = {name: sum(getattr(row, name) for row in last) for name in ("jobs", "done", "stored")}
    together = [replace(last[0], rule="(no GPU)", **numbers)] if last else []
    return [row for row in rows if row not in last] + together


def line_of(row: Row) -> list[str]:
    """The cells of one rule."""
    hidden = row.runs > 0  # pictures of a training are no images to draw
    cost = (
        [hours(row.seconds, row.unknown and not row.seconds), hours(row.naive) if row.naive else ""]
        if row.basis
        else ["", ""]
    )
    counts = [count(row.images if not hidden else 0), count(row.captions), count(row.runs)]
    return [
        row.stage,
        row.rule,
        count(row.jobs - row.done),
        count(row.done),
        *counts,
        *cost,
        size(row.stored),
        row.basis,
    ]


def total_of(summary: Summary) -> list[str]:
    """The last line of the table. Images are those drawn, captions those written."""
    drawn = sum(row.images for row in summary.rows if row.rule == "draw_images")
    written = sum(row.captions for row in summary.rows if row.rule == "write_captions")
    left = int(summary.total("jobs") - summary.total("done"))
    cells = [
        count(left),
        count(int(summary.total("done"))),
        count(drawn),
        count(written),
        count(int(summary.total("runs"))),
    ]
    naive = summary.total("naive")
    cost = [hours(summary.total("seconds")), hours(naive) if naive else ""]
    return ["total", "", *cells, *cost, size(summary.total("stored")), ""]


def answers(summary: Summary) -> list[str]:
    """What a reader wants to know first, a sentence each."""
    unknown = int(summary.total("unknown"))
    left = int(summary.total("jobs") - summary.total("done"))
    if not left:
        return ["Everything is there: nothing is left to pay for."]
    files = f"{count(summary.inodes)} files."
    if not summary.total("seconds") and unknown:
        return [
            f"Of {jobs_in_words(unknown)} no figure is known: their models are none of docs/cost.md, and none has run.",
            files,
        ]
    naive, slower = summary.total("naive"), summary.total("naive") > summary.total("seconds")
    beside = f"; the documented way, one image a call, would take {hours(naive)}" if slower else ""
    without = f", beside {jobs_in_words(unknown)} of which no figure is known" if unknown else ""
    return [
        f"{hours(summary.total('seconds'))} GPU hours{without}{beside}.",
        f"{hours(summary.wall)} hours on {gpus_of(summary)} at least, for jobs wait for each other; jobs without a GPU "
        "(data sets, prompts, tables) are not counted.",
        f"Downloads {amount(summary.fetched)}, results {amount(summary.results)}; beside them at most "
        f"{amount(summary.caches)} in resources/drawn and resources/trained until `snakemake prune_cache`. "
        f"{files}",
    ]


def gpus_of(summary: Summary) -> str:
    """`4 × H200`."""
    return f"{summary.gpus} × {summary.device}"


def hours(seconds: float, unknown: object = False) -> str:
    """Hours to three figures; a question mark where nothing is known."""
    if unknown:
        return "?"
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def count(number: int) -> str:
    """Thousands apart; nothing for none."""
    return f"{number:,}" if number else ""


def jobs_in_words(number: int) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number:,} job{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Gigabytes; nothing for less than a hundredth of one."""
    return "" if number < 1e7 else f"{number / 1e9:,.0f} GB" if number >= 1e11 else f"{number / 1e9:.2g} GB"


def amount(number: float) -> str:
    """Gigabytes in a sentence, also of little and of none."""
    return size(number) or ("less than 0.01 GB" if number else "0 GB")


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are as wide as their widest cell, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| "
        + " | ".join(placed(cell, width, head) for cell, width, head in zip(row, widths, HEADS, strict=True))
        + " |"
        for row in rows
    ]
    rule = "|" + "|".join(
        "-" * (width + 1) + (":" if head in RIGHT else "-") for width, head in zip(widths, HEADS, strict=True)
    )
    return "\n".join([lines[0], rule + "|", *lines[1:]])


def placed(cell: str, width: int, head: str) -> str:
    """A cell of a column of this heading."""
    return cell.rjust(width) if head in RIGHT else cell.ljust(width)


def as_csv(summary: Summary) -> str:
    """One row a rule; seconds and bytes as numbers."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, summary.rows))
    return stream.getvalue()


def as_json(summary: Summary, *, notes: Iterable[str]) -> str:
    """All of it."""
    return json.dumps(asdict(summary) | {"notes": list(notes)}, indent=2, sort_keys=True) + "\n"
