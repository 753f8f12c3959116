"""Two samples of accuracies, a pair a seed: tests of their difference, its interval, and what n pairs can show at all.

What is undefined is NaN, with the reason beside it. What each number means to a reader: docs/statistics.md.
"""

import math

import numpy as np
from scipy import special, stats

ALPHA = 0.05
POWER = 0.8
# Accuracies are percentages of at most 100,000 pictures: a smaller difference can only be floating-point noise.
NOTHING = 1e-9
# Below six pairs a two-sided Wilcoxon test cannot reach p < 0.05 whatever the data.
WILCOXON_PAIRS = 6
# All 2^n patterns of signs are summed: a million at 20 pairs.
PERMUTATION_PAIRS = 20
# Beyond this t the normal part of the noncentral t no longer matters, and scipy's search for its parameter may not end.
LARGE_T = 1000
UNDEFINED = dict.fromkeys(
    (
        "mean_difference", "low", "high", "sd_difference", "t", "p", "p_one_sided", "p_welch", "p_wilcoxon",
        "p_permutation", "p_permutation_floor", "cohen_dz", "dz_low", "dz_high", "detectable",
    ),
    math.nan,
)  # fmt: skip


def compare(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """Paired comparison of accuracies (percent), shape (n,) each; `star`: two-sided p < 0.05 and a gain."""
    difference = ours - theirs
    reason = why_undefined(difference)
    known = {
        **UNDEFINED,
        **_spread(difference),
        "n": len(difference),
        "p_welch": welch(ours, theirs),
        "p_wilcoxon": wilcoxon(difference),
        "p_permutation": sign_flip(difference),
        "p_permutation_floor": sign_flip_floor(difference),
        "star": False,
        "reason": reason,
    }
    return known if reason else known | _t_test(difference)


def why_undefined(difference: np.ndarray) -> str:
    """Why a paired t-test of these differences does not exist, or "" where it does."""
    if len(difference) < 2:
        return "n < 2"
    if np.abs(difference).max() < NOTHING:
        return "tie"
    return "zero variance" if np.ptp(difference) < NOTHING else ""


def _spread(difference: np.ndarray) -> dict:
    n = len(difference)
    mean = float(difference.mean()) if n else math.nan
    if n < 2 or np.ptp(difference) < NOTHING:
        return {"mean_difference": mean, "sd_difference": math.nan if n < 2 else 0.0}
    sd = float(difference.std(ddof=1))
    return {"mean_difference": mean, "sd_difference": sd, "detectable": detectable_effect(n) * sd}


def _t_test(difference: np.ndarray) -> dict:
    n = len(difference)
    test = stats.ttest_1samp(difference, 0.0)
    t, p = float(test.statistic), float(test.pvalue)
    low, high = test.confidence_interval(1 - ALPHA)
    dz_low, dz_high = effect_interval(t, n)
    return {
        "low": float(low),
        "high": float(high),
        "t": t,
        "p": p,
        "p_one_sided": float(stats.t.sf(t, n - 1)),
        "cohen_dz": t / math.sqrt(n),
        "dz_low": dz_low,
        "dz_high": dz_high,
        "star": p < ALPHA and t > 0,
    }


def effect_interval(t: float, n: int) -> tuple[float, float]:
    """95 % interval of the effect size d_z behind a paired t of n pairs: by inverting the noncentral t distribution."""
    tails, size = (1 - ALPHA / 2, ALPHA / 2), abs(t)
    if size > LARGE_T:
        ends = size * np.sqrt(stats.chi2.ppf(tails[::-1], n - 1) / (n - 1))
    else:
        ends = special.nctdtrinc(n - 1, tails, size)
    low, high = (float(end) / math.sqrt(n) for end in ends)
    return (low, high) if t >= 0 else (-high, -low)


def detectable_effect(n: int) -> float:
    """The d_z for which a two-sided paired t-test of n pairs at the 5 % level finds a gain with a power of 80 %."""
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)
    return float(special.nctdtrinc(n - 1, 1 - POWER, critical)) / math.sqrt(n)


def welch(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Two-sided p of Welch's unpaired t-test; NaN where neither sample varies or a sample has one value."""
    if len(ours) < 2 or max(np.ptp(ours), np.ptp(theirs)) < NOTHING:
        return math.nan
    samples = [(sample.mean(), sample.std(ddof=1), len(sample)) for sample in (ours, theirs)]
    return float(stats.ttest_ind_from_stats(*samples[0], *samples[1], equal_var=False).pvalue)


def wilcoxon(difference: np.ndarray) -> float:
    """Two-sided p of the signed-rank test on the pairs that differ; NaN below six of them."""
    differing = difference[np.abs(difference) >= NOTHING]
    return float(stats.wilcoxon(differing).pvalue) if len(differing) >= WILCOXON_PAIRS else math.nan


def sign_flip(difference: np.ndarray) -> float:
    """Two-sided p of the exact permutation test: the share of all 2^n sign patterns with a sum at least as far from 0.

    NaN below two pairs and above twenty.
    """
    if not 2 <= len(difference) <= PERMUTATION_PAIRS:
        return math.nan
    sums = np.zeros(1)
    for value in difference:
        sums = np.concatenate([sums + value, sums - value])
    return float(np.mean(np.abs(sums) >= abs(difference.sum()) - NOTHING))


def sign_flip_floor(difference: np.ndarray) -> float:
    """The smallest p that `sign_flip` can give: 2 of 2^m patterns, m the pairs that differ; 0.0625 for five."""
    if not 2 <= len(difference) <= PERMUTATION_PAIRS:
        return math.nan
    differing = int(np.sum(np.abs(difference) >= NOTHING))
    return min(1.0, 2.0 ** (1 - differing))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment over all defined p values (averages among them); NaN stays NaN."""
    adjusted = np.full(len(p), math.nan)
    order = [index for index in np.argsort(p) if not math.isnan(p[index])]
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, float(p[index]) * (len(order) - rank)))
        adjusted[index] = running
    return adjusted
