"""Snakemake's benchmarks: what a job took, where its file lies, and which are missing (standard library only)."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

BENCHMARKS = Path("results/benchmarks")
# The costly rules to the folder below results that their outputs lie in; a benchmark has the same names below its own.
OUTPUTS = {
    "draw_images": "images",
    "train_candidate": "selection",
    "score_images": "filter",
    "judge_images": "filter",
    "train_classifier": "runs",
}


class Measured(NamedTuple):
    """What a job took: wall-clock seconds, MiB of resident memory at its peak (0 where it was not looked at)."""

    seconds: float
    memory: float


def measured(path: str | Path) -> Measured:
    """Of one job: rows are repeats of the same work, so seconds are their mean and memory is their largest.

    Seeds that share a job are one row. Raises ValueError, which names the file, for what holds no number of seconds.
    """
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    try:
        seconds = fmean(float(row["s"]) for row in rows)
        # Snakemake writes NA or - for a job that ended before it could be looked at.
        memory = max(0.0 if row.get("max_rss", "-") in ("NA", "-") else float(row["max_rss"]) for row in rows)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: has no number of seconds ({error}); delete it and run its job again") from error
    if not math.isfinite(seconds):
        raise ValueError(f"{path}: has no number of seconds ({seconds}); delete it and run its job again")
    return Measured(seconds, memory)


def benchmarks_on(datasets: Sequence[str], folder: Path = BENCHMARKS) -> list[str]:
    """The benchmarks whose path names one of the data sets."""
    paths = sorted(folder.rglob("*.tsv"))
    return [str(path) for path in paths if set(path.relative_to(folder).with_suffix("").parts[1:]) & set(datasets)]


def benchmarks_of(rule: str, output: str, folder: Path = BENCHMARKS) -> list[Path]:
    """Where the benchmark of the job behind an output may stand: its own, or that of all its seeds in one job."""
    place = folder / rule / Path(output).with_suffix(".tsv").relative_to(f"results/{OUTPUTS[rule]}")
    return [place, place.with_name("seeds.tsv"), place.parent.with_name(f"{place.parent.name}.tsv")]


def gaps(costly: Iterable[Sequence[str]], folder: Path = BENCHMARKS) -> list[tuple[str, str, int, int]]:
    """(rule, data set, outputs without a benchmark, outputs that do not exist). costly: (rule, data set, output)."""
    found: dict[tuple[str, str], list[int]] = {}
    for rule, dataset, output in costly:
        counts = found.setdefault((rule, dataset), [0, 0])
        if not Path(output).exists():
            counts[1] += 1
        elif not any(path.exists() for path in benchmarks_of(rule, output, folder)):
            counts[0] += 1
    return [(*key, *counts) for key, counts in found.items()]
