"""The runs behind each number of a table: seeds, accuracies, commits, records, and what the records say of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sgid.matrix import Run
from sgid.results_table import AVERAGE, CELL, RUN
from sgid.runtime import read_json
from sgid.site_tables import SiteTable, column_title


@dataclass(frozen=True)
class CellRuns:
    """The runs behind one number; `name` is the anchor that the number links to."""

    name: str
    title: str
    method: str
    runs: tuple[Mapping[str, Any], ...]


def runs_by_row(
    cells: pd.DataFrame, runs: pd.DataFrame, table: SiteTable, *, titles: Mapping
) -> dict[str, list[CellRuns]]:
    """Anchor of a row to its cells, each with its runs: a row of runs.csv, the path of its record, and the record."""
    planned = dict(list(runs.groupby(CELL, sort=False)))
    rows = cells.groupby(["backbone", "group", "row"], sort=False)
    return {
        row.name: [
            _cell_runs(f"cell-{place}", cell, planned[tuple(cell[CELL])], titles=titles)
            for place, cell in part[part["dataset"] != AVERAGE].iterrows()
        ]
        for row, (_, part) in zip(table.rows, rows, strict=True)
    }


def _cell_runs(name: str, cell: pd.Series, runs: pd.DataFrame, *, titles: Mapping) -> CellRuns:
    found = tuple(map(_with_facts, runs.to_dict("records")))
    return CellRuns(name, column_title(cell["dataset"], cell["variant"], titles=titles), found[0]["method"], found)


def _with_facts(run: Mapping[str, Any]) -> dict[str, Any]:
    path = Run(*(run[name] for name in RUN)).path
    there = run["status"] == "done" and Path(path).exists()
    return {**run, "path": path, "facts": read_json(path) if there else None}


def origins(rows: Mapping[str, Sequence[CellRuns]]) -> list[tuple[Mapping[str, str], int]]:
    """Under which commit, versions and device runs were made, and how many: each run once."""
    runs = (run for cells in rows.values() for cell in cells for run in cell.runs)
    records = {run["path"]: run["facts"] for run in runs if run["facts"]}
    return [(dict(origin), count) for origin, count in Counter(map(_origin, records.values())).items()]


def _origin(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    made = facts["provenance"]
    commit = made["commit"] + (" with uncommitted changes" if made["dirty"] else "")
    versions = {"Python": made["python"], **made["packages"]}
    return (("commit", commit), ("device", made["device"]), *versions.items())
