"""Results in the paper's layout: runs and tests in, one grid of cells out; `table_formats` only writes it down.

Nothing is computed here beyond mean ± standard deviation, the marks, and ours minus the paper's: the marks follow from
the numbers as printed (two decimals), so equal numbers share a mark, as in the paper. Where a competing cell misses
runs, none is marked: the best of what happens to be there is no best.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from sgid.results_table import AVERAGE, CELL, RUN, summarise

DECIMALS = 2
NUMBER = ["backbone", "row", "variant", "dataset"]  # what one printed number is found by


@dataclass(frozen=True)
class Cell:
    """One printed number: percent, spread over seeds, runs done of planned, marks, the paper's number, its world."""

    mean: float
    std: float
    n_done: int
    n_planned: int
    best: bool
    second: bool
    star: bool
    paper: float
    difference: float
    miniature: bool = False


@dataclass(frozen=True)
class Row:
    """One method, in the order of the grid's columns."""

    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows that compete for the same marks."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Block:
    """All groups of one backbone."""

    title: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Grid:
    """A table in the paper's layout; `columns` are (data set, variant) titles, the variant "" where there is none."""

    title: str
    columns: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    beside_paper: bool


def table_cells(runs: pd.DataFrame, tests: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: mean, std, n, status, marks, star and the paper's number (none beside a miniature)."""
    cells = _with_stars(summarise(runs), tests)
    published = _comparable(paper, cells).set_index(NUMBER)["accuracy"].to_dict()
    keys = cells[NUMBER].itertuples(index=False, name=None)
    cells["paper"] = [published.get(key, float("nan")) for key in keys]
    cells["difference"] = differences(cells["mean"], cells["paper"])
    return with_marks(cells)


def _comparable(paper: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """None beside a miniature; no average where ours has a data set that the paper does not have."""
    if cells["miniature"].any():
        return paper.iloc[:0]
    whole = set(cells["dataset"]) - {AVERAGE} <= set(paper["dataset"])
    return paper if whole else paper[paper["dataset"] != AVERAGE]


def as_printed(number: float) -> float:
    """Two decimals, halves up: the mean of 91.77, 84.20, 96.53 and 71.32 is 85.96, though 85.955 in binary is less."""
    return float(Decimal(f"{number:.6f}").quantize(Decimal("0.01"), ROUND_HALF_UP))


def differences(ours: pd.Series, paper: pd.Series) -> pd.Series:
    """Ours less the paper's, as printed; NaN where either is."""
    return (ours.map(as_printed) - paper.map(as_printed)).round(DECIMALS)


def published_cells(planned: list[dict], paper: pd.DataFrame) -> pd.DataFrame:
    """The paper's own numbers as cells: one value each, marks derived from the numbers, stars as printed.

    A column of averages only where the paper has one.
    """
    published = paper.set_index(NUMBER)[["accuracy", "significant"]].T.to_dict()
    cells = pd.DataFrame(planned)[CELL].to_dict("records")
    printed = AVERAGE in set(paper.loc[paper["printed"], "dataset"])
    averages = [{**cell, "dataset": AVERAGE} for cell in cells if printed]
    unique = {tuple(cell.values()): cell for cell in [*cells, *averages]}.values()
    frame = pd.DataFrame([{**cell, **_published(published, cell)} for cell in unique])
    return with_marks(frame)


def _published(published: dict, cell: dict) -> dict:
    number = published.get(tuple(cell[name] for name in NUMBER), {"accuracy": float("nan"), "significant": False})
    done = int(pd.notna(number["accuracy"]))
    return {
        "mean": number["accuracy"],
        "std": float("nan"),
        "n_done": done,
        "n_planned": done,
        "status": "published" if done else "not published",
        "miniature": False,
        "star": number["significant"],
        "paper": float("nan"),
        "difference": float("nan"),
    }


def _with_stars(cells: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    starred = set(tests.loc[tests["star"].astype(bool), NUMBER].itertuples(index=False, name=None))
    return cells.assign(star=[key in starred for key in cells[NUMBER].itertuples(index=False, name=None)])


def with_marks(cells: pd.DataFrame) -> pd.DataFrame:
    """Mark best and second best within (backbone, group, data set), variants together, where no run is missing."""
    marked = cells.assign(best=False, second=False)
    for _, part in cells.groupby(["backbone", "group", "dataset"], sort=False):
        if (part["n_done"] < part["n_planned"]).any():
            continue
        rank = ranks(part["mean"])
        marked.loc[part.index, "best"] = rank.eq(1)
        marked.loc[part.index, "second"] = rank.eq(2)
    return marked


def ranks(means: pd.Series) -> pd.Series:
    """1 for the best as printed, 2 for the next smaller number; no rank where fewer than two numbers compete."""
    printed = means.map(as_printed)
    if printed.count() < 2:
        return printed * float("nan")
    return printed.rank(method="dense", ascending=False)


def lay_out(cells: pd.DataFrame, *, titles: dict, title: str, notes: list[str]) -> Grid:
    """Arrange cells as the paper does: a block a backbone, a line between groups, a column a data set (and variant)."""
    columns = columns_of(cells)
    blocks = [_block(part, columns, titles=titles) for _, part in cells.groupby("backbone", sort=False)]
    heads = [({**titles["datasets"], AVERAGE: "Avg."}[dataset], variant) for dataset, variant in columns]
    return Grid(
        title=title,
        columns=tuple(heads),
        blocks=tuple(blocks),
        notes=tuple(notes),
        beside_paper=bool(cells["paper"].notna().any()),
    )


def columns_of(cells: pd.DataFrame) -> list[tuple[str, str]]:
    """(data set, variant) of every column in display order: variants side by side under their data set."""
    datasets, variants = list(cells["dataset"].unique()), list(cells["variant"].unique())
    pairs = cells[["dataset", "variant"]].drop_duplicates().itertuples(index=False, name=None)
    return sorted(pairs, key=lambda pair: (datasets.index(pair[0]), variants.index(pair[1])))


def _block(cells: pd.DataFrame, columns: list[tuple[str, str]], *, titles: dict) -> Block:
    backbone = cells["backbone"].iloc[0]
    groups = [
        Group(
            name, tuple(_row(row, columns, title=titles["rows"][key]) for key, row in part.groupby("row", sort=False))
        )
        for name, part in cells.groupby("group", sort=False)
    ]
    return Block(titles["backbones"][backbone], tuple(groups))


def _row(cells: pd.DataFrame, columns: list[tuple[str, str]], *, title: str) -> Row:
    fields = [name for name in Cell.__dataclass_fields__ if name in cells]
    found = {(cell["dataset"], cell["variant"]): cell for cell in cells.to_dict("records")}
    return Row(title, tuple(Cell(**{name: found[column][name] for name in fields}) for column in columns))


def table_title(title: str, runs: pd.DataFrame) -> str:
    """The title with the runs done of the runs planned (a run that two cells share counts once)."""
    unique = runs.drop_duplicates(RUN)
    stamp = "Miniature: " if runs["miniature"].any() else ""
    return f"{stamp}{title} ({unique['status'].eq('done').sum()} of {len(unique)} runs)"
