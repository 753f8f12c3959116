"""Do two methods differ on the same test pictures? McNemar's test, exact, and a paired bootstrap over pictures.

A t-test over seeds asks whether training again would show the gain again, on these pictures. These tests ask whether
other pictures would, of these trained classifiers; neither answers for the other. Of one seed they are McNemar's test
and the bootstrap of its difference. Of all seeds together a picture still counts once, with the number of seeds that
are right on it: seeds share their pictures, so adding up their tables would count each picture several times.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from sgid.image_table import read_table
from sgid.matrix import Run
from sgid.results_table import AVERAGE
from sgid.seeding import seed_for

RESAMPLES = 10_000
ALL = "all"
COLUMNS = [
    "table", "backbone", "dataset", "variant", "row", "best_baseline", "seed", "pictures", "miniature", "ours_only",
    "theirs_only", "mean_difference", "low", "high", "p_exact", "p_mid", "reason",
]  # fmt: skip
UNDEFINED = dict.fromkeys(("mean_difference", "low", "high", "p_exact", "p_mid"), math.nan)
NO_SEED = UNDEFINED | {"seed": ALL, "pictures": 0, "ours_only": 0, "theirs_only": 0, "reason": "no common seed"}
Reader = Callable[[Run], pd.Series]


def read_correct(run: Run) -> pd.Series:
    """Whether the run was right, by `image_id`; raises ValueError that names a file of anything but predictions."""
    path = Path(run.predictions)
    table = read_table(path).to_pandas()
    if missing := [name for name in ("image_id", "label", "predicted") if name not in table]:
        raise ValueError(f"{path}: has no column {', '.join(missing)}; give the predictions of a run")
    return table.set_index("image_id").eval("label == predicted")


def compare_predictions(runs: pd.DataFrame, tests: pd.DataFrame, read: Reader = read_correct) -> pd.DataFrame:
    """A row for each seed that a tested row and its best baseline share, and one of seed "all", for every column.

    `runs`: long form; `tests`: of `compare_with_best`, whose columns of averages have no pictures and are left out.
    """
    compared = tests[(tests["dataset"] != AVERAGE) & (tests["best_baseline"] != "")]
    names = ["table", "backbone", "dataset", "variant", "row", "best_baseline", "miniature"]
    rows = [
        {name: test[name] for name in names} | result
        for test in compared.to_dict("records")
        for result in _compare_column(test, runs, read)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _compare_column(test: dict, runs: pd.DataFrame, read: Reader) -> list[dict]:
    ours, theirs = (_runs_of(test, runs, row=test[key]) for key in ("row", "best_baseline"))
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return [NO_SEED]
    names = [test[key] for key in ("backbone", "dataset", "variant", "row", "best_baseline")]
    differences = [right_minus_right(ours[seed], theirs[seed], read) for seed in seeds]
    _refuse_other_pictures(differences, ours[seeds[0]])
    shown = [*zip(map(str, seeds), differences, [1] * len(seeds), strict=True), (ALL, sum(differences), len(seeds))]
    return [
        {"seed": seed} | compare_pictures(part.to_numpy(), seeds=count, seed=seed_for("bootstrap", *names, seed))
        for seed, part, count in shown
    ]


def _runs_of(test: dict, runs: pd.DataFrame, *, row: str) -> dict[int, Run]:
    """Seed to the run that is done for one row of a tested column."""
    place = runs[["backbone", "dataset", "variant"]].eq([test[key] for key in ("backbone", "dataset", "variant")])
    done = runs[place.all(axis=1) & runs["row"].eq(row) & runs["status"].eq("done")]
    return {run.seed: Run(run.dataset, run.backbone, run.method, run.seed) for run in done.itertuples()}


def right_minus_right(ours: Run, theirs: Run, read: Reader) -> pd.Series:
    """By picture: 1 where only ours is right, −1 where only theirs is, 0 where they agree."""
    first, second = read(ours).sort_index(), read(theirs).sort_index()
    if not first.index.equals(second.index):
        raise ValueError(f"{ours.predictions} and {theirs.predictions}: hold other pictures; rerun the older one")
    return first.astype(int) - second.astype(int)


def _refuse_other_pictures(differences: list[pd.Series], run: Run) -> None:
    if not all(part.index.equals(differences[0].index) for part in differences):
        raise ValueError(f"{run.predictions}: the seeds beside it hold other pictures; rerun the older ones")


def compare_pictures(difference: np.ndarray, *, seeds: int, seed: int) -> dict:
    """Test and interval of integer differences (N,): on how many of `seeds` ours is right, less theirs, by picture.

    `mean_difference`, `low` and `high` are percent points of accuracy, means over the seeds.
    """
    counts = {
        "pictures": len(difference),
        "ours_only": int(difference[difference > 0].sum()),
        "theirs_only": int(-difference[difference < 0].sum()),
    }
    if not difference.any():
        return UNDEFINED | counts | {"mean_difference": 0.0, "reason": "tie"}
    low, high = bootstrap_interval(difference, seed=seed) * 100 / seeds
    p_exact, p_mid = sign_flip_of_pictures(difference)
    return counts | {
        "mean_difference": float(difference.mean()) * 100 / seeds,
        "low": float(low),
        "high": float(high),
        "p_exact": p_exact,
        "p_mid": p_mid,
        "reason": "",
    }


def sign_flip_of_pictures(difference: np.ndarray) -> tuple[float, float]:
    """Two-sided p, exact and mid, when each picture's difference could as well have had the other sign.

    The sums of all 2^N sign patterns follow from the number of pictures of each size of difference, so none is drawn.
    Differences of one seed are −1, 0 and 1: then this is McNemar's exact test, and its mid-p (Fagerland et al. 2013).
    """
    sizes, counts = np.unique(np.abs(difference[difference != 0]), return_counts=True)
    chance = np.ones(1)  # of each sum of the sizes that have a plus
    for size, count in zip(sizes, counts, strict=True):
        part = np.zeros(size * count + 1)
        part[::size] = stats.binom.pmf(np.arange(count + 1), count, 0.5)
        chance = np.convolve(chance, part)
    distance = np.abs(2 * np.arange(len(chance)) - (len(chance) - 1))
    observed = abs(int(difference.sum()))
    exact = float(chance[distance >= observed].sum())
    return min(1.0, exact), exact - float(chance[distance == observed].sum()) / 2


def bootstrap_interval(difference: np.ndarray, *, seed: int) -> np.ndarray:
    """95 % percentile interval (2,) of the mean over 10,000 resamples of the pictures.

    Only a few values occur, so how often each is drawn (a multinomial) is drawn in place of the pictures.
    """
    values, counts = np.unique(difference, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(difference), counts / len(difference), size=RESAMPLES)
    return np.quantile(drawn @ values / len(difference), [0.025, 0.975])
