"""A build in numbers: by rule and in all, what is to be done, what is done, what it costs (standard library only)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sgid.planning.estimates import network_of
from sgid.planning.graph import STAGE_OF, Graph, Job, makespan
from sgid.planning.rates import NO_COST, NONE, Cost, Rates

FETCHED = ("fetch_dataset", "fetch_model")


@dataclass(frozen=True)
class Row:
    """One rule. jobs, done: of all its jobs; the rest counts what is to be done. seconds: of jobs whose cost is known.

    naive: seconds of the same work in the documented way; unknown: jobs whose cost is not known; stored: bytes.
    """

    rule: str
    stage: str
    jobs: int
    done: int
    images: int
    captions: int
    runs: int
    seconds: float
    naive: float
    unknown: int
    stored: float
    files: int
    basis: str


@dataclass(frozen=True)
class Summary:
    """A plan. wall: seconds on `gpus` GPUs; caches: bytes kept outside results until pruned, checkpoints included."""

    names: tuple[str, ...]
    device: str
    gpus: int
    rows: tuple[Row, ...]
    wall: float
    fetched: float
    results: float
    caches: float
    inodes: int

    def total(self, name: str) -> float:
        """Of one number of all rows."""
        return sum(getattr(row, name) for row in self.rows)


def summarise(graph: Graph, rates: Rates, *, names: Iterable[str], gpus: int, exists: Callable[[str], bool]) -> Summary:
    """What is left to do of a build, and what it costs; a job is done where `exists` has what is wanted of it."""
    todo = graph.to_do(exists)
    costs = {job: rates.cost(job.work) if job.on_gpu else NO_COST for job in graph.jobs}
    by_rule: dict[str, list[Job]] = {}
    for job in graph.jobs:
        by_rule.setdefault(job.rule, []).append(job)
    waiting = [job for job in graph.jobs if job in todo]
    seconds = {job: costs[job].seconds or 0.0 for job in waiting}
    kept = max((checkpoint_bytes(job) for job in waiting), default=0.0)
    fetched = sum(job.work.stored for job in waiting if job.rule in FETCHED)
    return Summary(
        names=tuple(names),
        device=rates.device.name,
        gpus=gpus,
        rows=tuple(sorted((row_of(jobs, todo, costs) for jobs in by_rule.values()), key=order)),
        wall=makespan(waiting, seconds, graph.needs(), gpus),
        fetched=fetched,
        results=sum(job.work.stored for job in waiting) - fetched,
        caches=sum(job.work.cached for job in waiting) + gpus * kept,
        inodes=sum(map(files_of, waiting)),
    )


def order(row: Row) -> int:
    """Rules in the order of the workflow."""
    rules = list(STAGE_OF)
    return rules.index(row.rule) if row.rule in rules else len(rules)


def row_of(jobs: list[Job], todo: set[Job], costs: dict[Job, Cost]) -> Row:
    """One rule's jobs added up."""
    left = [job for job in jobs if job in todo]
    known = [costs[job] for job in left if costs[job].seconds is not None]
    bases = dict.fromkeys(costs[job].basis for job in left if costs[job].basis)
    return Row(
        rule=jobs[0].rule,
        stage=jobs[0].stage,
        jobs=len(jobs),
        done=len(jobs) - len(left),
        images=sum(job.work.images for job in left),
        captions=sum(job.work.captions for job in left),
        runs=sum(job.work.runs for job in left),
        seconds=sum(cost.seconds for cost in known),
        naive=sum(costs[job].naive or 0.0 for job in left),
        unknown=sum(costs[job].basis == NONE for job in left),
        stored=sum(job.work.stored for job in left),
        files=sum(map(files_of, left)),
        basis=", ".join(bases),
    )


def files_of(job: Job) -> int:
    """Files and directory entries behind a job: outputs, Snakemake's record of each, log, benchmark, what is kept."""
    kept = 2 * job.work.runs if job.work.runs else int(job.rule == "draw_images")
    return 2 * len(job.outputs) + 1 + job.on_gpu + kept


def checkpoint_bytes(job: Job) -> float:
    """Of one training while it lasts, where its network's size is known."""
    if job.work.kind != "training":
        return 0.0
    found = network_of(job.work.key[1], int(job.work.key[2]))
    return found.kept if found else 0.0
