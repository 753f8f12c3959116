"""The long form of results: one row per planned cell and seed, whether its run is done or not.

A cell is (backbone, group, row, dataset, variant); its `method` is what was run. A row may be another method on one
data set (Table 1 runs SGID with the label alone on Cars), so `row` and `method` are separate columns.
"""

import math
from pathlib import Path

import pandas as pd

from sgid.runtime import replacing

COLUMNS = [
    "table", "backbone", "group", "row", "dataset", "variant", "method", "seed",
    "status", "accuracy", "noise_rate", "seconds", "miniature", "commit",
]  # fmt: skip
CELL = ["backbone", "group", "row", "dataset", "variant"]
RUN = ["dataset", "backbone", "method", "seed"]
NOT_RUN = {
    "status": "not run", "accuracy": None, "noise_rate": "", "seconds": None, "miniature": False, "commit": "",
}  # fmt: skip
AVERAGE = "avg"
# How the columns of runs.csv, tests.csv and predictions.csv are read back: what is in neither is text or a count.
NUMBERS = (
    "accuracy", "seconds", "mean_difference", "low", "high", "sd_difference", "t", "p", "p_one_sided", "p_welch",
    "p_wilcoxon", "p_permutation", "p_permutation_floor", "p_holm", "cohen_dz", "dz_low", "dz_high", "detectable",
    "p_exact", "p_mid",
)  # fmt: skip
TYPES = dict.fromkeys(
    ("backbone", "group", "row", "dataset", "variant", "method", "noise_rate", "commit", "reason"), str
)


def long_form(runs: list[dict], cells: list[dict], *, table: str, seeds: list[int]) -> pd.DataFrame:
    """Every planned cell times every seed, in display order, beside the run that fills it (if it is among `runs`)."""
    done = _by_key(runs)
    rows = [
        {"table": table, **cell, "seed": seed}
        | _result(done.get((cell["dataset"], cell["backbone"], cell["method"], seed)))
        for cell in cells
        for seed in seeds
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    _refuse_unplanned(done, frame, table=table)
    return frame.astype({"accuracy": float, "seconds": float})


def _by_key(runs: list[dict]) -> dict[tuple, dict]:
    done = {}
    for run in runs:
        key = tuple(run[name] for name in RUN)
        if key in done:
            raise ValueError(f"run {key} occurs twice; give each run JSON to collect_runs once")
        if not 0 <= run["accuracy"] <= 100:
            raise ValueError(f"run {key}: accuracy {run['accuracy']} is not a percentage; delete its JSON and rerun it")
        done[key] = run
    return done


def _result(run: dict | None) -> dict:
    if run is None:
        return NOT_RUN
    return {
        "status": "done",
        "accuracy": run["accuracy"],
        "noise_rate": run["noise_rate"] or "",
        "seconds": run["seconds"],
        "miniature": run["miniature"],
        "commit": commit_of(run["provenance"]),
    }


def commit_of(provenance: dict) -> str:
    """The commit, with git's own suffix where the tree had uncommitted changes."""
    return provenance["commit"] + ("-dirty" if provenance["dirty"] else "")


def short_commit(commit: str) -> str:
    """Ten digits of what `commit_of` gives, and words for its suffix; what is no commit stays whole."""
    digest, _, suffix = commit.partition("-")
    return digest[:10] + (" with uncommitted changes" if suffix else "")


def _refuse_unplanned(done: dict[tuple, dict], frame: pd.DataFrame, *, table: str) -> None:
    planned = set(frame[RUN].itertuples(index=False, name=None))
    if stray := [key for key in done if key not in planned]:
        raise ValueError(f"{table}: run {stray[0]} belongs to no cell of the table; check config/tables.yaml")


def with_average(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the column of averages: per seed the mean over data sets, done only where every data set has that seed.

    A table with one data set has no average, nor has a row that is not planned on all data sets.
    """
    count = runs["dataset"].nunique()
    if count < 2:
        return runs
    keys = ["table", "backbone", "group", "row", "variant", "seed"]
    averages = [_average(dict(zip(keys, names, strict=True)), part) for names, part in _groups(runs, keys, size=count)]
    whole = pd.DataFrame([*runs.to_dict("records"), *averages], columns=COLUMNS)
    return whole.astype({"accuracy": float, "seconds": float})


def _groups(runs: pd.DataFrame, keys: list[str], *, size: int) -> list[tuple[tuple, pd.DataFrame]]:
    return [(names, part) for names, part in runs.groupby(keys, sort=False) if len(part) == size]


def _average(names: dict, part: pd.DataFrame) -> dict:
    done = bool(part["status"].eq("done").all())
    measured = {
        "status": "done",
        "accuracy": part["accuracy"].mean(),
        "miniature": bool(part["miniature"].any()),
    }
    return {**names, "dataset": AVERAGE, "method": "", **NOT_RUN, **(measured if done else {})}


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a cell, averages included: mean and sample std (percent), runs done and planned, status."""
    parts = with_average(runs).groupby(CELL, sort=False)
    return pd.DataFrame([{**dict(zip(CELL, names, strict=True)), **_summary(part)} for names, part in parts])


def _summary(part: pd.DataFrame) -> dict:
    done, planned, miniature = part["accuracy"].dropna(), len(part), bool(part["miniature"].any())
    whole = "miniature" if miniature else "measured"
    return {
        "mean": done.mean() if len(done) else math.nan,
        "std": done.std(ddof=1) if len(done) > 1 else math.nan,
        "n_done": len(done),
        "n_planned": planned,
        "status": whole if len(done) == planned else "partial" if len(done) else "not run",
        "miniature": miniature,
    }


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """CSV with Unix line ends and shortest round-trip numbers, so that equal frames are equal bytes."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_frame(path: str | Path) -> pd.DataFrame:
    """Read what `write_frame` wrote: empty text stays empty text, only numbers may be missing."""
    frame = pd.read_csv(path, keep_default_na=False, na_values={name: [""] for name in NUMBERS}, dtype=TYPES)
    return frame.astype({name: bool for name in ("miniature", "star") if name in frame})
