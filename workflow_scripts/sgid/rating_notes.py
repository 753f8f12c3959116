"""What a reader must know to trust the table of scores: who rated, who was left out, how far they agree, the stamps."""

import math
from collections.abc import Mapping

import pandas as pd

from sgid.rating_means import ALL, counted
from sgid.results_table import short_commit
from sgid.table_formats import decimal

MINIATURE = (
    "The pictures come from a drawn data set and tiny models: no reproduction of the paper. Each number carries an m."
)
SIMULATED = "These ratings are simulated: chance filled in the sheets, and nobody looked at a picture."
SCALES = (
    "Semantic consistency (Con.) and diversity (Div.) of augmented pictures beside their originals, 1 to 5, as people "
    "rate them: mean over annotators, then over originals, ± half of the 95 % interval by Student's t over the "
    "originals."
)
MISSING = "(k/n): sheets of k of n planned annotators, or k of n planned runs; –: none."
PUBLISHED = (
    "The paper's own numbers, typed from its PDF; averages are computed from the data sets, and the marks of the last "
    "column are derived from its numbers."
)


def rating_title(title: str, ratings: pd.DataFrame) -> str:
    """The title behind the stamps that its ratings carry."""
    words = [
        word
        for word, column in (("miniature", "miniature"), ("simulated ratings", "simulated"))
        if _any(ratings, column)
    ]
    return f"{', '.join(words).capitalize()}: {title}" if words else title


def _any(ratings: pd.DataFrame, column: str) -> bool:
    return bool(ratings[column].any())


def rating_notes(ratings: pd.DataFrame, agreement: pd.DataFrame, *, layout: Mapping) -> list[str]:
    """The footer: stamps, scales, annotators, exclusions, agreement, origin."""
    return [
        *([SIMULATED] if _any(ratings, "simulated") else []),
        *([MINIATURE] if _any(ratings, "miniature") else []),
        SCALES,
        *_accuracy(layout),
        _extent(ratings, layout),
        *_excluded(ratings, layout),
        *_agreement(agreement, layout),
        MISSING,
        *_origin(ratings),
    ]


def published_notes(layout: Mapping) -> list[str]:
    """The footer of a table that repeats the paper's numbers."""
    return [PUBLISHED, *_accuracy(layout)]


def _accuracy(layout: Mapping) -> list[str]:
    if not layout["backbone"]:
        return []
    return [
        f"Avg. Performance: test accuracy in percent of {layout['backbone_title']}, mean over the data sets of "
        f"{layout['accuracy_table']}; bold: best, underlined: second best. The other columns have no marks."
    ]


def _extent(ratings: pd.DataFrame, layout: Mapping) -> str:
    parts = [
        f"{layout['datasets'][name]} (originals: {part['source_id'].nunique()}, labels: {part['label'].nunique()}, "
        f"annotators: {part['annotator'].nunique()} of {layout['annotators']})"
        for name, part in counted(ratings).groupby("dataset", sort=False)
    ]
    return f"Rated: {'; '.join(parts) or 'nothing'}."


def _excluded(ratings: pd.DataFrame, layout: Mapping) -> list[str]:
    out = ratings[ratings["excluded"] != ""].drop_duplicates("sheet")
    return [
        f"Left out: {row.sheet} ({row.annotator}, {layout['datasets'][row.dataset]}), which {row.excluded}."
        for row in out.itertuples()
    ]


def _agreement(agreement: pd.DataFrame, layout: Mapping) -> list[str]:
    names = {**layout["datasets"], ALL: "all"}
    ordinal = agreement[agreement["level"] == "ordinal"]
    parts = [
        f"{names[name]} "
        + " and ".join(f"{_value(row.alpha, row.reason)} ({row.measure})" for row in part.itertuples())
        for name, part in ordinal.groupby("dataset", sort=False)
    ]
    return [f"Agreement, Krippendorff's ordinal alpha: {'; '.join(parts)}."] if parts else []


def _value(alpha: float, reason: str) -> str:
    return f"undefined, {reason}" if math.isnan(alpha) else decimal(alpha)


def _origin(ratings: pd.DataFrame) -> list[str]:
    commits = sorted(set(ratings["commit"]))
    return [f"Pages made at commit {', '.join(map(short_commit, commits))}."] if commits else []
