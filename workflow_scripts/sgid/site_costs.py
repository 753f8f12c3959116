"""What the jobs behind a build cost: seconds and memory from Snakemake's benchmarks, added up by rule and data set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sgid.benchmark_files import BENCHMARKS, measured


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


def read_benchmarks(paths: Iterable[str | Path], datasets: Sequence[str], folder: Path = BENCHMARKS) -> list[Benchmark]:
    """Benchmarks below a folder, of whose names one is a data set's; each is of the last time its job ran."""
    placed = [(path, Path(path).relative_to(folder).with_suffix("").parts) for path in paths]
    return [
        Benchmark(rule, next(name for name in names if name in datasets), *measured(path))
        for path, (rule, *names) in placed
    ]


def costs_of(benchmarks: Iterable[Benchmark], missing: Iterable[tuple[str, str, int, int]]) -> list[Cost]:
    """One row a rule and data set, the dearest first. missing: of `gaps`."""
    counts = {(rule, dataset): numbers for rule, dataset, *numbers in missing}
    groups: dict[tuple[str, str], list[Benchmark]] = {key: [] for key, numbers in counts.items() if any(numbers)}
    for each in benchmarks:
        groups.setdefault((each.rule, each.dataset), []).append(each)
    rows = [_cost(key, jobs, counts.get(key, [0, 0])) for key, jobs in groups.items()]
    return sorted(rows, key=lambda cost: (-cost.seconds, cost.rule, cost.dataset))


def _cost(key: tuple[str, str], jobs: list[Benchmark], missing: list[int]) -> Cost:
    seconds, memory = sum(job.seconds for job in jobs), max((job.memory for job in jobs), default=0.0)
    return Cost(*key, len(jobs), seconds, memory, *missing)
