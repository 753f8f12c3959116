"""Table 2 in the paper's layout: scores that people gave, beside the accuracy of the same methods.

Cells come from means and runs that are computed elsewhere, or from the published numbers; `tables` lays them out and
`table_formats` writes them down, as for every other table.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgid.paper_numbers import read_paper_numbers
from sgid.rating_means import MEASURES
from sgid.results_table import AVERAGE, summarise
from sgid.tables import Grid, differences, lay_out, with_marks

ACCURACY = "accuracy"  # the last column, which alone has marks, as in the paper
SHORT = {"consistency": "Con.", "diversity": "Div.", "": ""}
KEY = ["row", "dataset", "variant"]
UNKNOWN = dict.fromkeys(("mean", "low", "high", "std"), math.nan) | {"n_done": 0, "n_planned": 0}
Numbers = dict[tuple[str, str, str], dict]


def score_numbers(scores: pd.DataFrame, *, annotators: int) -> Numbers:
    """Means with half of their intervals, by row, data set and measure. `scores`: of `mean_scores`."""
    return {
        (score["row"], score["dataset"], score["variant"]): {name: score[name] for name in ("mean", "low", "high")}
        | {"std": score["half_width"], "n_done": score["annotators"], "n_planned": annotators}
        for score in scores.to_dict("records")
    }


def accuracy_numbers(runs: pd.DataFrame) -> Numbers:
    """Mean accuracies over the data sets with their deviation over seeds. `runs`: long form of one backbone."""
    cells = summarise(runs) if len(runs) else runs
    if AVERAGE in set(cells["dataset"]):
        cells = cells[cells["dataset"] == AVERAGE]
    return {
        (cell["row"], ACCURACY, ""): {name: cell[name] for name in ("mean", "std", "n_done", "n_planned")}
        for cell in cells.to_dict("records")
    }


def stamped(ratings: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The ratings, miniature too where the accuracies beside them come from the drawn world."""
    return ratings.assign(miniature=ratings["miniature"] | bool(runs["miniature"].any()))


def published_numbers(paths: Sequence[str | Path], *, layout: Mapping) -> Numbers:
    """The paper's means of the data sets in `layout`, their average where it has all, and its own accuracies."""
    if not paths:
        return {}
    scores, *accuracies = paths
    ids = {name: key for key, name in layout["paper_names"].items()}
    table = pd.read_csv(scores)
    table = table[table["dataset"].isin(ids)].assign(dataset=lambda frame: frame["dataset"].map(ids))
    averages = table.groupby("method", sort=False)[list(MEASURES)].mean().reset_index().assign(dataset=AVERAGE)
    averages = averages if set(table["dataset"]) == set(layout["datasets"]) else averages.iloc[:0]
    numbers = {
        (row["method"], row["dataset"], measure): {"mean": row[measure]}
        for row in [*table.to_dict("records"), *averages.to_dict("records")]
        for measure in MEASURES
    }
    accuracy = read_paper_numbers(accuracies, datasets=layout["accuracy_names"])
    mine = accuracy[accuracy["backbone"].eq(layout["backbone"]) & accuracy["dataset"].eq(AVERAGE)]
    return numbers | {(row.row, ACCURACY, ""): {"mean": row.accuracy} for row in mine.itertuples()}


def rating_cells(numbers: Numbers, paper: Numbers, *, layout: Mapping) -> pd.DataFrame:
    """One row a cell in display order: numbers, the paper's beside them, and marks of the accuracies."""
    datasets = [*layout["datasets"], *([AVERAGE] if len(layout["datasets"]) > 1 else [])]
    columns = [(dataset, measure) for dataset in datasets for measure in MEASURES]
    columns += [(ACCURACY, "")] if layout["backbone"] else []
    keys = [(row, *column) for row in layout["rows"] for column in columns]
    cells = pd.DataFrame([dict(zip(KEY, key, strict=True)) | UNKNOWN | numbers.get(key, {}) for key in keys])
    cells["paper"] = [paper.get(key, UNKNOWN)["mean"] for key in keys]
    cells["difference"] = differences(cells["mean"], cells["paper"])
    marked = with_marks(cells.assign(backbone="", group="", star=False))
    unmarked = marked["dataset"] != ACCURACY
    marked.loc[unmarked, ["best", "second"]] = False
    return marked


def our_cells(numbers: Numbers, paper: Numbers, ratings: pd.DataFrame, *, layout: Mapping) -> pd.DataFrame:
    """The cells of a table of ours, stamped as its ratings are; the paper does not stand beside a stamp.

    `status` says how far a cell is done.
    """
    stamps = {name: bool(ratings[name].any()) for name in ("simulated", "miniature")}
    cells = rating_cells(numbers, {} if any(stamps.values()) else paper, layout=layout)
    whole = next((name for name, on in stamps.items() if on), "measured")
    status = [
        "not run" if not done else "partial" if done < planned else whole
        for done, planned in zip(cells["n_done"], cells["n_planned"], strict=True)
    ]
    return cells.assign(status=status, **stamps)


def lay_out_ratings(cells: pd.DataFrame, *, layout: Mapping, title: str, notes: list[str]) -> Grid:
    """Two columns a data set, consistency and diversity, then the average and the accuracy."""
    titles = {
        "rows": layout["rows"],
        "datasets": layout["datasets"] | {ACCURACY: "Avg. Performance"},
        "backbones": {"": ""},
    }
    short = cells.assign(variant=cells["variant"].map(SHORT))
    return lay_out(short, titles=titles, title=title, notes=notes)
