"""Means with their 95 % intervals by Student's t; of several samples with Welch's and Satterthwaite's freedom."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean, its standard error and the error's degrees of freedom; NaN for what is not known."""

    mean: float
    error: float
    freedom: float

    @property
    def half_width(self) -> float:
        """Half of the interval; 0 where the values are equal."""
        return self.error * float(stats.t.ppf((1 + LEVEL) / 2, self.freedom)) if self.error else self.error

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.mean + self.half_width


def mean_of(values: np.ndarray) -> Mean:
    """Of one sample (N,); one value has no interval, no value no mean."""
    mean = float(values.mean()) if len(values) else math.nan
    if len(values) < 2:
        return Mean(mean, math.nan, math.nan)
    return Mean(mean, float(values.std(ddof=1) / math.sqrt(len(values))), len(values) - 1)


def mean_of_means(parts: Sequence[Mean]) -> Mean:
    """Of several independent samples, each counting alike; unknown where one of them is."""
    squares = np.array([part.error / len(parts) for part in parts]) ** 2
    freedoms = np.array([part.freedom for part in parts])
    spread = float((squares**2 / freedoms).sum())
    freedom = float(squares.sum() ** 2 / spread) if spread else float(freedoms.sum())
    return Mean(float(np.mean([part.mean for part in parts])), math.sqrt(squares.sum()), freedom)
