"""Is SGID better than the best baseline of its column? (Paper, Table 1: `*` where p < 0.05 under t-test.)

The paper's stars hold exactly where SGID is strictly above the best of the seven baselines, so the test is against the
best baseline. The star asks for a two-sided paired t-test over the seeds that both have, p < 0.05 and a positive mean
difference; the other columns let a reader judge how much hangs on that choice.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats

from sgid.results_table import with_average

ALPHA = 0.05
# Accuracies are percentages of at most 100,000 pictures: a smaller difference can only be floating-point noise.
NOTHING = 1e-9
# Below six pairs a two-sided Wilcoxon test cannot reach p < 0.05 whatever the data.
WILCOXON_PAIRS = 6
COLUMNS = [
    "table", "backbone", "dataset", "variant", "row", "best_baseline", "n", "mean_difference", "low", "high",
    "t", "p", "p_one_sided", "p_welch", "p_wilcoxon", "p_holm", "cohen_dz", "star", "reason",
]  # fmt: skip
UNDEFINED = dict.fromkeys(
    ["mean_difference", "low", "high", "t", "p", "p_one_sided", "p_welch", "p_wilcoxon", "cohen_dz"], math.nan
)


def compare_with_best(runs: pd.DataFrame, star: dict | None) -> pd.DataFrame:
    """One row per (backbone, data set or "avg", variant): `star["row"]` against the best of the rows `star["against"]`.

    The best baseline is the one with the highest mean there, as the table prints it. No `star` gives no rows.
    """
    keys = ["table", "backbone", "dataset", "variant"]
    columns = with_average(runs).groupby(keys, sort=False) if star else ()
    tests = [
        dict(zip(keys, names, strict=True))
        | {"row": star["row"]}
        | _test_column(part, row=star["row"], against=star["against"])
        for names, part in columns
        if part["row"].eq(star["row"]).any()
    ]
    frame = pd.DataFrame(tests, columns=COLUMNS)
    frame["p_holm"] = holm(frame["p"].to_numpy(dtype=float))
    return _backbone_by_backbone(frame)


def _test_column(column: pd.DataFrame, *, row: str, against: list[str]) -> dict:
    done = column[column["status"] == "done"]
    ours = done[done["row"] == row].set_index("seed")["accuracy"]
    baselines = {name: done[done["row"] == name].set_index("seed")["accuracy"] for name in against}
    baselines = {name: values for name, values in baselines.items() if len(values)}
    if ours.empty or not baselines:
        return {"best_baseline": "", "n": 0, "star": False, "reason": "no run", **UNDEFINED}
    best = max(baselines, key=lambda name: baselines[name].mean())
    seeds = sorted(set(ours.index) & set(baselines[best].index))
    return {"best_baseline": best, **compare(ours[seeds].to_numpy(), baselines[best][seeds].to_numpy())}


def compare(ours: np.ndarray, theirs: np.ndarray) -> dict:
    """Paired comparison of accuracies (percent), a pair a seed; what is undefined is NaN and `reason` says why."""
    difference = ours - theirs
    n = len(difference)
    mean = float(difference.mean()) if n else math.nan
    known = {**UNDEFINED, "n": n, "mean_difference": mean, "star": False}
    if reason := why_undefined(difference):
        return {**known, "p_welch": welch(ours, theirs), "reason": reason}
    test = stats.ttest_1samp(difference, 0.0)
    low, high = test.confidence_interval(0.95)
    return known | {
        "low": float(low),
        "high": float(high),
        "t": float(test.statistic),
        "p": float(test.pvalue),
        "p_one_sided": float(stats.t.sf(test.statistic, n - 1)),
        "p_welch": welch(ours, theirs),
        "p_wilcoxon": wilcoxon(difference),
        "cohen_dz": mean / float(difference.std(ddof=1)),
        "star": bool(test.pvalue < ALPHA and mean > 0),
        "reason": "",
    }


def why_undefined(difference: np.ndarray) -> str:
    """Why a paired t-test of these differences does not exist, or "" where it does."""
    if len(difference) < 2:
        return "n < 2"
    if np.abs(difference).max() < NOTHING:
        return "tie"
    return "zero variance" if np.ptp(difference) < NOTHING else ""


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


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment over all defined p values (averages among them); NaN stays NaN."""
    adjusted = np.full(len(p), math.nan)
    order = [index for index in np.argsort(p) if not math.isnan(p[index])]
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, float(p[index]) * (len(order) - rank)))
        adjusted[index] = running
    return adjusted


def _backbone_by_backbone(frame: pd.DataFrame) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(frame["backbone"].unique())}
    return frame.sort_values("backbone", key=lambda names: names.map(order), kind="stable", ignore_index=True)
