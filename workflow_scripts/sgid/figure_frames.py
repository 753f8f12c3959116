"""What the figures of runs show, in long form: records in, frames out; `run_figures` only draws them.

Noise rates from the records of choices, classes and epochs from the records of runs, costs from benchmarks and runs.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgid.benchmark_files import measured
from sgid.cost_plan import STAGES, TRAINING
from sgid.paired_tests import compare
from sgid.results_table import AVERAGE, with_average
from sgid.runtime import read_json

PANEL = ["backbone", "dataset"]


def noise_frame(choices: Iterable[Mapping], *, rows: Mapping[str, str], miniature: bool) -> pd.DataFrame:
    """One row a data set, row, noise rate and seed: validation accuracy (percent), and whether the rate was chosen.

    `choices`: records of `selection.choose_noise`; `rows`: recipe to the row of the figure that it stands for.
    """
    found = [
        {"dataset": choice["dataset"], "row": rows[choice["recipe"]], "noise_rate": candidate["noise_rate"]}
        | {"seed": seed, "accuracy": accuracy}
        | {"chosen": candidate["noise_rate"] == choice["chosen"]["noise_rate"]}
        for choice in choices
        for candidate in choice["candidates"]
        for seed, accuracy in zip(candidate["seeds"], candidate["accuracies"], strict=True)
    ]
    whole = filled(found, "no candidates of any noise rate; name a recipe with several rates in the figure's rows")
    return whole.assign(miniature=miniature)


def published_similarity(paths: Iterable[str | Path], *, datasets: Collection[str]) -> dict[str, float]:
    """Method to the paper's mean cosine over all classes of the data sets of these names; no path gives none."""
    rows = [row for path in paths for row in pd.read_csv(path).to_dict("records")]
    wanted = [row for row in rows if row["category"] == "ALL" and row["dataset"] in datasets]
    return {row["method"]: row["avg_cosine_similarity"] for row in wanted}


def filled(rows: list[dict], what: str) -> pd.DataFrame:
    """The rows as a frame; raises ValueError with `what` is missing where there are none."""
    if not rows:
        raise ValueError(what)
    return pd.DataFrame(rows)


def records_of(runs: Iterable[Mapping], cells: Sequence[Mapping]) -> list[tuple[Mapping, Mapping]]:
    """(cell, run) for every run, in the order of the cells; raises ValueError where there are none."""
    by_method: dict[tuple, list[Mapping]] = {}
    for run in runs:
        by_method.setdefault((run["backbone"], run["dataset"], run["method"]), []).append(run)
    pairs = [
        (cell, run) for cell in cells for run in by_method.get((cell["backbone"], cell["dataset"], cell["method"]), [])
    ]
    if not pairs:
        raise ValueError("no runs of any row of the figure; train them first (snakemake <table that has them>)")
    return pairs


def class_frame(runs: Iterable[Mapping], cells: Sequence[Mapping], *, base: str) -> pd.DataFrame:
    """One row a backbone, data set, row and class: mean gain over the row `base` in percentage points, a pair a seed.

    `low` and `high`: 95 % t interval over the seeds, NaN where fewer than two differ. Classes in the order of the runs.
    """
    accuracies = [
        {key: cell[key] for key in (*PANEL, "row")}
        | {"seed": run["seed"], "miniature": run["miniature"], "class_name": name, "accuracy": accuracy}
        for cell, run in records_of(runs, cells)
        for name, accuracy in run["per_class_accuracy"].items()
    ]
    gains = [
        dict(zip(PANEL, panel, strict=True)) | {"row": row, "class_name": name, **_paired(part, theirs, panel=panel)}
        for panel, whole in pd.DataFrame(accuracies).groupby(PANEL, sort=False)
        for theirs in [whole[whole["row"] == base]]
        for (row, name), part in whole[whole["row"] != base].groupby(["row", "class_name"], sort=False)
    ]
    return filled(gains, f"no runs beside those of {base!r}; name a method in the figure's rows")


def _paired(ours: pd.DataFrame, base: pd.DataFrame, *, panel: tuple) -> dict:
    """Gain of one class over the base, by the seeds that both have."""
    theirs = base[base["class_name"] == ours["class_name"].iloc[0]].set_index("seed")["accuracy"]
    values = ours.set_index("seed")["accuracy"]
    seeds = sorted(set(values.index) & set(theirs.index))
    if not seeds:
        raise ValueError(f"{'/'.join(panel)}: no seed was run with and without the method; train the base's runs first")
    found = compare(values[seeds].to_numpy(dtype=float), theirs[seeds].to_numpy(dtype=float))
    return {
        "gain": found["mean_difference"],
        "low": found["low"],
        "high": found["high"],
        "base": float(theirs[seeds].mean()),
        "seeds": len(seeds),
        "miniature": bool(ours["miniature"].any()),
    }


def extremes(gains: pd.DataFrame, *, row: str, count: int) -> list[str]:
    """Names of a panel's classes, highest gain of `row` first; of more than 2 x `count`, the first and last `count`."""
    ordered = gains[gains["row"] == row].sort_values("gain", ascending=False, kind="stable")["class_name"].tolist()
    return ordered if len(ordered) <= 2 * count else [*ordered[:count], *ordered[-count:]]


def curve_frame(runs: Iterable[Mapping], cells: Sequence[Mapping]) -> pd.DataFrame:
    """One row a backbone, data set, row, seed and epoch: training loss, validation accuracy (NaN if not measured)."""
    rows = [
        {key: cell[key] for key in (*PANEL, "row")}
        | {"seed": run["seed"], "epoch": epoch, "train_loss": loss, "validation_accuracy": accuracy}
        | {"miniature": run["miniature"]}
        for cell, run in records_of(runs, cells)
        for epoch, loss, accuracy in _epochs(run["curves"])
    ]
    return filled(rows, "no run has an epoch; see `curves` in their records")


def _epochs(curves: Mapping[str, Sequence[float]]) -> Iterable[tuple[int, float, float]]:
    nothing = [math.nan] * len(curves["epoch"])
    return zip(curves["epoch"], curves["train_loss"], curves.get("validation_accuracy", nothing), strict=True)


def cost_frame(runs: pd.DataFrame, ledger: Sequence[Mapping], *, base: str) -> pd.DataFrame:
    """One row a backbone and row: seconds of each stage for one classifier a data set, gain, and extra time per point.

    Seconds are summed over the data sets, training is the mean over seeds. `gain`: percentage points over the row
    `base`, the mean of the data sets, `low` and `high` its 95 % t interval over seeds. `per_point`: seconds beyond
    those of the base for each point gained, infinite without a gain; `per_point_low`, `_high`: from `high` and `low`.
    `unmeasured`: files of the ledger that are missing, whose seconds are in no sum; with any, a point has no price.
    """
    done = runs[runs["status"] == "done"]
    if done.empty:
        raise ValueError("no run of the figure is done; train them first (snakemake <table that has them>)")
    spent = pd.concat([_before_training(ledger), _training(done)])
    stages = spent.pivot_table("seconds", index=["backbone", "row"], columns="stage", aggfunc="sum", fill_value=0.0)
    gains = _gains(runs, base=base).set_index(["backbone", "row"])
    frame = gains.join(stages.reindex(columns=list(STAGES), fill_value=0.0)).reset_index()
    frame["seconds"] = frame[list(STAGES)].sum(axis=1)
    of_base = frame[frame["row"] == base].set_index("backbone")["seconds"]
    frame["extra"] = frame["seconds"] - frame["backbone"].map(of_base)
    missing = spent[spent["seconds"].isna()].groupby(["backbone", "row"]).size()
    frame["unmeasured"] = [int(missing.get(key, 0)) for key in zip(frame["backbone"], frame["row"], strict=True)]
    for name, end in (("per_point", "gain"), ("per_point_low", "high"), ("per_point_high", "low")):
        known = frame["extra"].where(frame["unmeasured"] == 0)
        frame[name] = [_ratio(extra, gain) for extra, gain in zip(known, frame[end], strict=True)]
    return frame


def _ratio(extra: float, gain: float) -> float:
    """Seconds for a point: unknown where either is, infinite where there is no gain."""
    return math.nan if math.isnan(gain) or math.isnan(extra) else extra / gain if gain > 0 else math.inf


def _before_training(ledger: Sequence[Mapping]) -> pd.DataFrame:
    """The ledger with the seconds that its files tell of; each file is read once."""
    seconds = {path: seconds_in(path) for path in {entry["path"] for entry in ledger}}
    columns = ["backbone", "row", "dataset", "stage", "seconds"]
    return pd.DataFrame([{**entry, "seconds": seconds[entry["path"]]} for entry in ledger], columns=columns)


def seconds_in(path: str | Path) -> float:
    """Wall-clock seconds of a job by its benchmark, or of training by a run's record; NaN where the file is missing."""
    if not Path(path).exists():
        return math.nan
    return float(read_json(path)["seconds"] if Path(path).suffix == ".json" else measured(path).seconds)


def _training(done: pd.DataFrame) -> pd.DataFrame:
    means = done.groupby(["backbone", "row", "dataset"], sort=False)["seconds"].mean().reset_index()
    return means.assign(stage=TRAINING)


def _gains(runs: pd.DataFrame, *, base: str) -> pd.DataFrame:
    """Accuracy (percent) and gain of every row over `base`: of the only data set, or the mean of all of them."""
    shown = AVERAGE if runs["dataset"].nunique() > 1 else runs["dataset"].iloc[0]
    whole = with_average(runs)
    whole = whole[(whole["status"] == "done") & (whole["dataset"] == shown)]
    rows = []
    for (backbone, row), part in whole.groupby(["backbone", "row"], sort=False):
        ours = part.set_index("seed")["accuracy"]
        theirs = whole[(whole["backbone"] == backbone) & (whole["row"] == base)].set_index("seed")["accuracy"]
        seeds = sorted(set(ours.index) & set(theirs.index))
        found = compare(ours[seeds].to_numpy(dtype=float), theirs[seeds].to_numpy(dtype=float))
        gain = {"gain": found["mean_difference"], "low": found["low"], "high": found["high"], "seeds": len(seeds)}
        of_all = {"accuracy": float(ours.mean()), "miniature": bool(part["miniature"].any())}
        rows.append({"backbone": backbone, "row": row, **of_all, **gain})
    return filled(rows, "no seed is done on every data set; train the missing runs first")
