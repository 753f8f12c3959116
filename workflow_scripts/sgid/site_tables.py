"""A table as its page on the site shows it: ours beside the paper's, the state of each number, and its tests.

Nothing is computed here: numbers, marks and states are those of results/tables, written as text beside the value that a
column is sorted by. Counts of runs and states are the only sums.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sgid.results_table import AVERAGE, CELL, RUN
from sgid.table_formats import decimal
from sgid.tables import columns_of

STATES = ("measured", "partial", "not run", "miniature")
# The columns of tests.csv whose names do not speak for themselves; others are shown under their own names.
TEST_TITLES = {
    "star": "star", "backbone": "backbone", "dataset": "data set", "variant": "variant", "row": "tested",
    "best_baseline": "best baseline", "seed": "seed", "status": "state", "n": "n", "n_planned": "n planned",
    "mean_difference": "difference", "low": "95 % low", "high": "95 % high", "sd_difference": "sd of differences",
    "t": "t", "p": "p (paired t)", "p_one_sided": "p one-sided", "p_welch": "p Welch", "p_wilcoxon": "p Wilcoxon",
    "p_permutation": "p permutation", "p_permutation_floor": "smallest p possible", "p_holm": "p Holm",
    "cohen_dz": "effect dz", "dz_low": "dz 95 % low", "dz_high": "dz 95 % high", "detectable": "detectable difference",
    "reason": "why not tested",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A text of a sortable cell, and the number (None for none) or text that its column is sorted by."""

    text: str
    value: float | str | None


@dataclass(frozen=True)
class Number:
    """One result. name: its anchor; count: runs done of planned; paper and difference "" where the paper has none."""

    name: str
    text: str
    spread: str
    value: float | None
    best: bool
    second: bool
    star: bool
    miniature: bool
    state: str
    count: str
    paper: str
    difference: str


@dataclass(frozen=True)
class SiteRow:
    """A method on a backbone, in the order of the columns; `name` is the anchor of its runs."""

    name: str
    backbone: str
    group: str
    title: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class SiteTable:
    """A table, its state in counts, and what has not been run: (row title, backbone, runs missing, planned)."""

    name: str
    title: str
    miniature: bool
    columns: tuple[str, ...]
    rows: tuple[SiteRow, ...]
    states: Mapping[str, int]
    done: int
    planned: int
    missing: tuple[tuple[str, str, int, int], ...]

    @property
    def several_backbones(self) -> bool:
        """Whether a row needs its backbone's name."""
        return len({row.backbone for row in self.rows}) > 1

    @property
    def several_groups(self) -> bool:
        """Whether rows compete in groups."""
        return len({row.group for row in self.rows}) > 1

    @property
    def starred(self) -> bool:
        """Whether any number has a star to be explained."""
        return any(number.star for row in self.rows for number in row.numbers)

    @property
    def example(self) -> str:
        """A count of runs to explain the others by; "" where no number is planned."""
        return next((number.count for row in self.rows for number in row.numbers if number.count), "")

    @property
    def beside_paper(self) -> bool:
        """Whether any number has the paper's beside it."""
        return any(number.paper for row in self.rows for number in row.numbers)


def read_cells(path: str | Path) -> pd.DataFrame:
    """The numbers of results/tables/{table}.csv: empty text stays empty text, only numbers may be missing."""
    missing = {name: [""] for name in ("mean", "std", "paper", "difference")}
    return pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=dict.fromkeys([*CELL, "status"], str))


def site_table(cells: pd.DataFrame, runs: pd.DataFrame, layout: Mapping[str, Any]) -> SiteTable:
    """A table from results/tables/{table}.csv and .runs.csv. layout: name, title, titles, miniature."""
    titles, unique = layout["titles"], runs.drop_duplicates(RUN)
    columns = columns_of(cells)
    own = cells[cells["dataset"] != AVERAGE]
    return SiteTable(
        name=layout["name"],
        title=layout["title"],
        miniature=layout["miniature"] or bool(cells["miniature"].any()),
        columns=tuple(column_title(*column, titles=titles) for column in columns),
        rows=tuple(_rows(cells, columns, titles=titles)),
        states={state: count for state in STATES if (count := int(own["status"].eq(state).sum()))},
        done=int(unique["status"].eq("done").sum()),
        planned=len(unique),
        missing=tuple(_missing(runs, titles=titles)),
    )


def column_title(dataset: str, variant: str, *, titles: Mapping) -> str:
    return f"{ {**titles['datasets'], AVERAGE: 'Avg.'}[dataset] } {variant}".strip()


def _rows(cells: pd.DataFrame, columns: Sequence[tuple[str, str]], *, titles: Mapping) -> list[SiteRow]:
    parts = cells.groupby(["backbone", "group", "row"], sort=False)
    return [
        SiteRow(
            name=f"row-{place}",
            backbone=titles["backbones"][backbone],
            group=group,
            title=titles["rows"][row],
            numbers=tuple(_numbers(part, columns, row=f"row-{place}")),
        )
        for place, ((backbone, group, row), part) in enumerate(parts)
    ]


def _numbers(part: pd.DataFrame, columns: Sequence[tuple[str, str]], *, row: str) -> list[Number]:
    found = {(cell["dataset"], cell["variant"]): (place, cell) for place, cell in part.iterrows()}
    return [_number(*found[column], row=row) if column in found else _nothing(row) for column in columns]


def _number(place: int, cell: pd.Series, *, row: str) -> Number:
    return Number(
        # An average has no runs of its own, but those of its row.
        name=row if cell["dataset"] == AVERAGE else f"cell-{place}",
        text=_or_nothing(cell["mean"]),
        spread=_or_nothing(cell["std"]),
        value=None if math.isnan(cell["mean"]) else cell["mean"],
        best=bool(cell["best"]),
        second=bool(cell["second"]),
        star=bool(cell["star"]),
        miniature=bool(cell["miniature"]),
        state=cell["status"],
        count=f"{cell['n_done']}/{cell['n_planned']}",
        paper=_or_nothing(cell["paper"]),
        difference=_or_nothing(cell["difference"], "+.2f"),
    )


def _nothing(row: str) -> Number:
    flags = dict.fromkeys(("best", "second", "star", "miniature"), False)
    texts = dict.fromkeys(("text", "spread", "count", "paper", "difference"), "")
    return Number(name=row, value=None, state="not planned", **texts, **flags)


def _or_nothing(value: float, form: str = ".2f") -> str:
    return "" if math.isnan(value) else decimal(value, form)


def _missing(runs: pd.DataFrame, *, titles: Mapping) -> list[tuple[str, str, int, int]]:
    parts = runs.drop_duplicates([*RUN, "row"]).groupby(["backbone", "row"], sort=False)
    counts = [(names, int(part["status"].ne("done").sum()), len(part)) for names, part in parts]
    return [
        (titles["rows"][row], titles["backbones"][backbone], missing, planned)
        for (backbone, row), missing, planned in counts
        if missing
    ]


def shown_tests(tests: pd.DataFrame, titles: Mapping) -> tuple[list[str], list[list[Shown]]]:
    """Titles of columns and rows of texts, without empty columns and what the page says of itself."""
    kept = [
        name for name in tests if name not in ("table", "miniature") and tests[name].replace("", None).notna().any()
    ]
    kept = sorted(kept, key=lambda name: list(TEST_TITLES).index(name) if name in TEST_TITLES else len(TEST_TITLES))
    named = titles["rows"] | titles["datasets"] | titles["backbones"] | {AVERAGE: "Avg."}
    rows = [[_shown(test[name], named) for name in kept] for test in tests.to_dict("records")]
    return [TEST_TITLES.get(name, name.replace("_", " ")) for name in kept], rows


def _shown(value: Any, named: Mapping[str, str]) -> Shown:
    if isinstance(value, bool):
        return Shown("*" if value else "no", int(value))
    if isinstance(value, str):
        return Shown(named.get(value, value).removeprefix("+ "), value)
    if isinstance(value, int):
        return Shown(f"{value:,}", value)
    if math.isnan(value):
        return Shown("–", None)
    return Shown(f"{value:.3g}".replace("-", "−"), value)
