"""Krippendorff's alpha: how far several people who score the same things agree, beyond what chance would give.

Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): alpha = 1 - observed / expected disagreement, from the
matrix of coincidences. Missing scores are allowed; a thing with one score counts for nothing.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np


def alpha(units: Iterable[Sequence[float]], *, level: str) -> float:
    """Alpha of the scores that each unit was given, in any order; 1 is perfect, 0 what chance gives.

    NaN where it does not exist: no unit has two scores, or all scores are the same. `level`: a name in `DISTANCES`.
    """
    scored = [np.asarray(unit, dtype=float) for unit in units if len(unit) > 1]
    values = np.unique(np.concatenate(scored)) if scored else np.empty(0)
    coincidences = np.zeros((len(values), len(values)))
    for unit in scored:
        counts = (unit[:, None] == values).sum(axis=0)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=0)
    distances = DISTANCES[level](values, totals)
    expected = (np.outer(totals, totals) * distances).sum()
    if expected == 0:
        return math.nan
    return float(1 - (totals.sum() - 1) * (coincidences * distances).sum() / expected)


def nominal(values: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Squared distances (V, V) of scores that are equal or not."""
    return (values[:, None] != values).astype(float)


def ordinal(values: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Squared distances (V, V) of ranks: how many scores lie between two, each of the two counting half."""
    middle = np.cumsum(totals) - totals / 2
    return np.square(middle[:, None] - middle)


def interval(values: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Squared differences (V, V) of the scores themselves."""
    return np.square(values[:, None] - values)


DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ordinal": ordinal,
    "interval": interval,
    "nominal": nominal,
}
