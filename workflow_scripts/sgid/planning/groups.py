"""Which GPU jobs a cluster is sent together, and how long it is asked for (standard library only).

A submission waits in the queue however short it is, so short jobs share one: they run in it one after the other. Jobs
of one submission have as many GPU jobs before them, on the longest way; so none waits for another, nor do submissions
wait for each other in a circle, whatever runs between them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby
from math import ceil
from types import MappingProxyType

from sgid.planning.amounts import MINIATURE
from sgid.planning.estimates import START
from sgid.planning.graph import Graph, Job, Producer
from sgid.planning.rates import Rates
from sgid.references import ConfigError

# Minutes asked for: a start on a slow file system, which the jobs of a group share, down to what one needs where the
# others are done; and a quarter more than the jobs' estimate on an A100. The longest job of the paper has three
# attempts, of which the last, three times as long, still fits into a day.
START_MINUTES, LEAST_START, SLACK = 30, 10, 1.25
UNKNOWN_MINUTES = 480  # where nothing is known of a job's work

Seconds = Callable[[Job], float | None]
Group = tuple[Job, ...]


@dataclass(frozen=True)
class JobGroups:
    """The groups of graphs. at_least: minutes that a submission should last; jobs as long or longer go alone.

    graphs: a job is grouped with others of the first that it is in; cautious: rates to ask for time by; producer: what
    makes a file, for one that is in none; apart: what a profile says of a rule and one submission cannot have twice.
    """

    graphs: Sequence[Graph]
    producer: Producer
    rates: Rates
    cautious: Rates
    at_least: float
    apart: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def all(self) -> list[Group]:
        """Every GPU job, in the group that is submitted with it, or alone."""
        return grouped(self.graphs, partial(seconds_of, rates=self.rates), self.at_least * 60, self.apart)

    @cached_property
    def _found(self) -> dict[str, tuple[Job, str, int]]:
        """Output of a GPU job to the job, its group's name and number of jobs."""
        return {
            path: (job, f"short{number}", len(group))
            for number, group in enumerate(self.all)
            for job in group
            for path in job.outputs
        }

    def name(self, path: str) -> str | None:
        """Of the group of the job that makes a file; None where it goes alone, or is of no build."""
        _, name, jobs = self._found.get(path, (None, None, 1))
        return name if jobs > 1 else None

    def minutes(self, path: str, attempt: int) -> int:
        """To be asked for the job that makes a file: its own time, and its share of a start."""
        job, _, jobs = self._found.get(path) or (self._maker(path), None, 1)
        seconds = seconds_of(job, rates=self.cautious) if job else None
        minutes = UNKNOWN_MINUTES if seconds is None else max(START_MINUTES / jobs, LEAST_START) + SLACK * seconds / 60
        return ceil(minutes * attempt)

    def _maker(self, path: str) -> Job | None:
        """The job behind a file that is not in the graph; None where planning knows none."""
        try:
            return self.producer(path)
        except ConfigError:  # a rule of one's own, which `snakemake plan` asks to be told of
            return None

    def sentence(self, waiting: Collection[Job]) -> str | None:
        """How many submissions the jobs that wait are; None where there is none."""
        sent = [[job for job in group if job in waiting] for group in self.all]
        asked = [sum(self.minutes(job.outputs[0], 1) for job in jobs) for jobs in sent if jobs]
        if not asked:
            return None
        longest = f"{max(asked) / 60:.1f} h"
        return f"Submissions to a cluster (docs/cluster.md): {len(asked)}; the longest asks for {longest}."


def seconds_of(job: Job, rates: Rates) -> float | None:
    """Of a job; those of the tiny models last little longer than their start."""
    seconds = rates.longest(job.work)
    return START if seconds is None and MINIATURE in job.work.key else seconds


def grouped(
    graphs: Sequence[Graph], seconds: Seconds, at_least: float, apart: Mapping[str, str] = MappingProxyType({})
) -> list[Group]:
    """The GPU jobs of graphs by submission, each of at least so many seconds as far as there are enough of them.

    A job whose seconds are not known goes alone; `apart`: rule to what all jobs of a submission must agree in.
    """
    levels: dict[Job, tuple[int, int, str]] = {}
    for number, graph in enumerate(graphs):
        for job, before in gpu_jobs_before(graph).items():
            if job.on_gpu:
                levels.setdefault(job, (number, before, apart.get(job.rule, "")))
    alike = groupby(sorted(levels, key=levels.__getitem__), key=levels.__getitem__)
    return [group for _, jobs in alike for group in filled(list(jobs), seconds, at_least)]


def gpu_jobs_before(graph: Graph) -> dict[Job, int]:
    """Of each job, how many GPU jobs stand before it on the longest way to it."""
    found: dict[Job, int] = {}
    for job, before in graph.needs().items():  # in order
        found[job] = max((found[each] + each.on_gpu for each in before), default=0)
    return found


def filled(jobs: Sequence[Job], seconds: Seconds, at_least: float) -> list[Group]:
    """Jobs of one level in groups: with those of their rule and data set, else of their rule, else with any.

    What is left of a kind after its last full group joins that, and in the end the shortest of all there are.
    """
    known = {job: seconds(job) for job in jobs}
    is_short = {job: each is not None and each < at_least for job, each in known.items()}
    left = [job for job in jobs if is_short[job]]
    alone = [(job,) for job in jobs if not is_short[job]]
    groups: list[Group] = []
    for kind in (_rule_and_dataset, _rule, _any):
        still: list[Job] = []
        for _, alike in groupby(sorted(left, key=kind), key=kind):
            full, rest = _full(alike, known, at_least)
            if full:
                groups += [*full[:-1], full[-1] + rest]
            else:
                still += rest
        left = still
    groups += alone
    timed = [group for group in groups if known[group[0]] is not None]
    if left and timed:
        host = min(timed, key=lambda group: sum(known[job] for job in group))
        groups.remove(host)
        left = [*host, *left]
    return [*groups, *([tuple(left)] if left else [])]


def _full(jobs: Iterable[Job], known: Mapping[Job, float], at_least: float) -> tuple[list[Group], Group]:
    """Groups that reach the time, in the order of the jobs, and what is left over."""
    full: list[Group] = []
    pending: Group = ()
    for job in jobs:
        pending += (job,)
        if sum(known[each] for each in pending) >= at_least:
            full, pending = [*full, pending], ()
    return full, pending


def _rule_and_dataset(job: Job) -> tuple[str, str]:
    return job.rule, job.names.get("dataset", "")


def _rule(job: Job) -> str:
    return job.rule


def _any(_: Job) -> int:
    return 0
