"""A small table of two backbones, three data sets and three seeds, of all of its runs or some of them."""

import random

import pandas as pd

from sgid.results_table import AVERAGE, long_form
from sgid.significance import compare_with_best
from sgid.table_notes import notes_of
from sgid.tables import Grid, lay_out, table_cells, table_title

BACKBONES, DATASETS, SEEDS = ("resnet50", "vit"), ("pets", "dtd", "cars"), (0, 1, 2)
GROUPS = {"backbone": ["backbone"], "single": ["re", "ra", "sgid"], "integrated": ["sgid_re", "sgid_ra"]}
ROWS = [row for rows in GROUPS.values() for row in rows]
STAR = {"row": "sgid", "against": ["re", "ra"]}
TITLES = {
    "rows": {row: row.upper() for row in ROWS},
    "datasets": {name: name.title() for name in DATASETS},
    "backbones": {name: name.title() for name in BACKBONES},
}
CELLS = [
    {"backbone": backbone, "group": group, "row": row, "dataset": dataset, "variant": "", "method": row}
    for backbone in BACKBONES
    for group, rows in GROUPS.items()
    for row in rows
    for dataset in DATASETS
]
PAPER = pd.DataFrame(
    [[*(cell[name] for name in ("backbone", "row", "variant", "dataset")), 60.0, False] for cell in CELLS],
    columns=["backbone", "row", "variant", "dataset", "accuracy", "significant"],
)
PAPER = pd.concat([PAPER, PAPER[PAPER["dataset"] == "pets"].assign(dataset=AVERAGE)])


def every_run(chance: random.Random, **changes: object) -> list[dict]:
    """A run for each cell and seed; SGID gains so clearly that a whole column always has its star."""
    origin = {"provenance": {"commit": "abc", "dirty": False}, "noise_rate": None, "miniature": False, "seconds": 1.0}
    return [
        {name: cell[name] for name in ("backbone", "dataset", "method")}
        | {"seed": seed, "accuracy": 50 + 30 * (cell["row"] == "sgid") + chance.random()}
        | origin
        | changes
        for cell in CELLS
        for seed in SEEDS
    ]


def half_of(runs: list[dict], chance: random.Random) -> list[dict]:
    return sorted(chance.sample(runs, len(runs) // 2), key=runs.index)


def rendered(runs: list[dict]) -> tuple[pd.DataFrame, Grid]:
    frame = long_form(runs, CELLS, table="table1", seeds=list(SEEDS))
    tests = compare_with_best(frame, STAR)
    cells = table_cells(frame, tests, PAPER)
    notes = notes_of(frame, tests, star=STAR, titles=TITLES)
    return cells, lay_out(cells, titles=TITLES, title=table_title("Table 1", frame), notes=notes)
