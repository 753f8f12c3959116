"""What the jobs behind a build cost: seconds and memory from Snakemake's benchmarks, added up by rule and data set."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path("results/benchmarks")
# The costly rules to the folder below results that their outputs lie in; a benchmark has the same names below its own.
OUTPUTS = {
    "draw_images": "images",
    "train_candidate": "selection",
    "score_images": "filter",
    "judge_images": "filter",
    "train_classifier": "runs",
}


@dataclass(frozen=True)
class Cost:
    """Of one rule on one data set. seconds: of all jobs, one after another; memory: MiB, the largest job's resident.

    unmeasured: outputs that are there without a benchmark; not_made: outputs that are not there.
    """

    rule: str
    dataset: str
    jobs: int
    seconds: float
    memory: float
    unmeasured: int = 0
    not_made: int = 0


@dataclass(frozen=True)
class Benchmark:
    """One job: wall-clock seconds, MiB of resident memory at its peak."""

    rule: str
    dataset: str
    seconds: float
    memory: float


def read_benchmarks(folder: Path, datasets: Sequence[str]) -> list[Benchmark]:
    """Every benchmark below a folder whose path names one of the data sets; each is of the last time its job ran."""
    paths = sorted(folder.rglob("*.tsv"))
    placed = [(path, path.relative_to(folder).with_suffix("").parts) for path in paths]
    return [
        _read(path, parts[0], dataset=next(name for name in parts[1:] if name in datasets))
        for path, parts in placed
        if set(parts[1:]) & set(datasets)
    ]


def _read(path: Path, rule: str, *, dataset: str) -> Benchmark:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    try:
        seconds, memory = ([_number(row[name]) for row in rows] for name in ("s", "max_rss"))
        return Benchmark(rule, dataset, sum(seconds), max(memory))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: no benchmark of Snakemake's ({error}); delete it") from error


def _number(text: str) -> float:
    """Snakemake writes NA or - for a job that ended before it could be looked at."""
    return 0.0 if text in ("NA", "-") else float(text)


def benchmarks_of(rule: str, output: str, folder: Path = BENCHMARKS) -> list[Path]:
    """Where the benchmark of the job behind an output may stand: its own, or that of all its seeds in one job."""
    place = folder / rule / Path(output).with_suffix(".tsv").relative_to(f"results/{OUTPUTS[rule]}")
    return [place, place.with_name("seeds.tsv"), place.parent.with_name(f"{place.parent.name}.tsv")]


def gaps(costly: Iterable[Sequence[str]], folder: Path = BENCHMARKS) -> dict[tuple[str, str], list[int]]:
    """By rule and data set, how many outputs have no benchmark, how many do not exist. costly: (rule, set, output)."""
    found: dict[tuple[str, str], list[int]] = {}
    for rule, dataset, output in costly:
        counts = found.setdefault((rule, dataset), [0, 0])
        if not Path(output).exists():
            counts[1] += 1
        elif not any(path.exists() for path in benchmarks_of(rule, output, folder)):
            counts[0] += 1
    return found


def costs_of(benchmarks: Iterable[Benchmark], missing: dict[tuple[str, str], list[int]]) -> list[Cost]:
    """One row a rule and data set, the dearest first."""
    groups: dict[tuple[str, str], list[Benchmark]] = {key: [] for key, counts in missing.items() if any(counts)}
    for each in benchmarks:
        groups.setdefault((each.rule, each.dataset), []).append(each)
    rows = [_cost(key, jobs, missing.get(key, [0, 0])) for key, jobs in groups.items()]
    return sorted(rows, key=lambda cost: (-cost.seconds, cost.rule, cost.dataset))


def _cost(key: tuple[str, str], jobs: list[Benchmark], missing: list[int]) -> Cost:
    seconds, memory = sum(job.seconds for job in jobs), max((job.memory for job in jobs), default=0.0)
    return Cost(*key, len(jobs), seconds, memory, *missing)
