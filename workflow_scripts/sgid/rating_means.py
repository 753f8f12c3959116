"""From sheets to numbers: the long form of all ratings, who failed the checks, means with intervals, agreement.

A score is the mean over annotators for each original, then over originals; its 95 % interval is Student's t over the
originals of a data set, which takes the labels and the annotators as they are. (The paper prints means alone.)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgid.agreement import alpha
from sgid.intervals import Mean, mean_of, mean_of_means
from sgid.rating_items import FOREIGN, RATED, SAME
from sgid.rating_sheets import Rating, Sheet
from sgid.results_table import AVERAGE, commit_of

MEASURES = ("consistency", "diversity")
ALL = "all"
# What an attentive annotator says of a check, one step of five allowed.
PASSES: Mapping[str, Callable[[Rating], bool]] = {
    SAME: lambda rating: rating.consistency >= 4 and rating.diversity <= 2,
    FOREIGN: lambda rating: rating.consistency <= 2,
}
TEXT = ("dataset", "source_id", "class_name", "kind", "method", "annotator", "item", "sheet", "excluded", "commit")
COLUMNS = [
    "dataset", "label", "class_name", "source_id", "method", "kind", "item", "annotator", "consistency", "diversity",
    "seconds", "sheet", "excluded", "simulated", "miniature", "commit",
]  # fmt: skip


def long_ratings(sheets: Sequence[Sheet], keys: Sequence[Mapping], *, allowed: int) -> pd.DataFrame:
    """One row a rated item and annotator, checks included; `excluded` says why a sheet does not count, or nothing.

    `allowed`: how many checks a sheet may fail.
    """
    by_page = {page: key for key in keys for page in key["pages"]}
    rows = [row for sheet in sheets for row in _rows(sheet, by_page[sheet.page], allowed)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.sort_values(["dataset", "annotator", "item"], kind="stable", ignore_index=True)


def _rows(sheet: Sheet, key: Mapping, allowed: int) -> list[dict]:
    of_sheet = {
        "dataset": key["dataset"],
        "annotator": sheet.annotator,
        "sheet": sheet.path,
        "excluded": why_excluded(sheet, key, allowed=allowed),
        "simulated": sheet.simulated,
        "miniature": key["miniature"],
        "commit": commit_of(key["provenance"]),
    }
    return [{**of_sheet, **key["items"][rating.item], **vars(rating)} for rating in sheet.ratings]


def why_excluded(sheet: Sheet, key: Mapping, *, allowed: int) -> str:
    """Nothing, or a sentence's end that says how many checks a sheet failed."""
    checks = [(key["items"][rating.item]["kind"], rating) for rating in sheet.ratings]
    passed = [PASSES[kind](rating) for kind, rating in checks if kind in PASSES]
    failed = passed.count(False)
    return f"failed {failed} of {len(passed)} attention checks, {allowed} allowed" if failed > allowed else ""


def read_ratings(path: str | Path) -> pd.DataFrame:
    """Read the long form back; text stays text, whatever it looks like."""
    return pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(TEXT, str))


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read back what `mean_scores` gave."""
    return pd.read_csv(path)


def read_agreement(path: str | Path) -> pd.DataFrame:
    """Read back what `agreement` gave."""
    return pd.read_csv(path).fillna({"reason": ""})


def counted(ratings: pd.DataFrame) -> pd.DataFrame:
    """The ratings that make the numbers: no checks, no excluded sheets."""
    return ratings[ratings["kind"].eq(RATED) & ratings["excluded"].eq("")]


def mean_scores(ratings: pd.DataFrame, *, rows: Sequence[str], datasets: Sequence[str]) -> pd.DataFrame:
    """One row a method, data set and measure, averages over the data sets included: mean, interval, how many, stamps.

    A method without a rating on a data set has no number there, and no average.
    """
    scores = [
        _score(counted(ratings), row, dataset, measure) for row in rows for dataset in datasets for measure in MEASURES
    ]
    stamps = {name: bool(ratings[name].any()) for name in ("simulated", "miniature")}
    frame = pd.DataFrame(scores).assign(**stamps)
    if len(datasets) < 2:
        return frame
    parts = frame.groupby(["row", "variant"], sort=False)
    averages = [
        {"row": row, "dataset": AVERAGE, "variant": measure, **_average(part), **stamps}
        for (row, measure), part in parts
    ]
    return pd.concat([frame, pd.DataFrame(averages)], ignore_index=True)


def _score(ratings: pd.DataFrame, row: str, dataset: str, measure: str) -> dict:
    mine = ratings[ratings["method"].eq(row) & ratings["dataset"].eq(dataset)]
    values = mine.groupby("source_id")[measure].mean().to_numpy()
    return {
        "row": row,
        "dataset": dataset,
        "variant": measure,
        **_columns(mean_of(values)),
        "originals": len(values),
        "annotators": mine["annotator"].nunique(),
    }


def _columns(mean: Mean) -> dict[str, float]:
    return {name: getattr(mean, name) for name in ("mean", "low", "high", "half_width", "error", "freedom")}


def _average(part: pd.DataFrame) -> dict:
    """The mean over data sets, whose errors are independent."""
    means = [Mean(*row) for row in part[["mean", "error", "freedom"]].itertuples(index=False, name=None)]
    return {
        **_columns(mean_of_means(means)),
        "originals": int(part["originals"].sum()),
        "annotators": int(part["annotators"].min()),
    }


def agreement(ratings: pd.DataFrame) -> pd.DataFrame:
    """Krippendorff's alpha of each data set and of all together, by measure, of ordinal and of interval distance."""
    used = counted(ratings)
    parts = [*used.groupby("dataset", sort=False), *([(ALL, used)] if used["dataset"].nunique() > 1 else [])]
    return pd.DataFrame(
        [
            {"dataset": name, "measure": measure, "level": level, **_agreement(part, measure, level)}
            for name, part in parts
            for measure in MEASURES
            for level in ("ordinal", "interval")
        ],
        columns=["dataset", "measure", "level", "alpha", "items", "annotators", "reason", "simulated", "miniature"],
    )


def _agreement(part: pd.DataFrame, measure: str, level: str) -> dict:
    units = [values.tolist() for _, values in part.groupby(["dataset", "item"])[measure]]
    found = alpha(units, level=level)
    alone = max(map(len, units)) < 2
    return {
        "alpha": found,
        "items": len(units),
        "annotators": part["annotator"].nunique(),
        "reason": "" if not math.isnan(found) else "one annotator" if alone else "all scores are equal",
        "simulated": bool(part["simulated"].any()),
        "miniature": bool(part["miniature"].any()),
    }
