"""How far a build is: every job done, running, failed, interrupted or to do, and the time that is left."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sgid.planning.graph import LAST_STAGE, STAGES, Graph, Job, makespan
from sgid.planning.plan_report import hours, jobs_in_words
from sgid.planning.rates import Cost
from sgid.planning.traces import Marker, Traces, last_words, raised

DONE, RUNNING, FAILED, STOPPED, WAITING = STATES = ("done", "running", "failed", "interrupted", "to do")
SHOWN = 8  # running or failed jobs that are named


@dataclass(frozen=True)
class Progress:
    """state: of each job; begun: of running jobs, seconds of the epoch; left: seconds of work of each job not done,
    0 where nothing is known of it; unknown: how many those are; wall: seconds until the end, on `gpus` GPUs.
    """

    state: Mapping[Job, str]
    begun: Mapping[Job, float]
    left: Mapping[Job, float]
    unknown: int
    wall: float
    gpus: int


def progress_of(
    graph: Graph,
    traces: Traces,
    cost: Callable[[Job], Cost],
    *,
    root: Path,
    now: float,
    gpus: int,
) -> Progress:
    """Of a build, from the files below `root`; `gpus` counts where no GPU job is running."""
    todo = graph.to_do(lambda path: path not in traces.markers and (root / path).exists())
    state = {job: state_of(job, traces, root) if job in todo else DONE for job in graph.jobs}
    begun = {job: begun_of(job, traces, root) for job, each in state.items() if each == RUNNING}
    costs = {job: cost(job) for job in todo}
    left = {job: max(0.0, (costs[job].seconds or 0.0) - (now - begun.get(job, now))) for job in todo}
    at_once = sum(job.on_gpu for job in begun) or gpus
    waiting = [job for job in graph.jobs if job in todo]
    unknown = sum(each.seconds is None for each in costs.values())
    return Progress(state, begun, left, unknown, makespan(waiting, left, graph.needs(), at_once), at_once)


def state_of(job: Job, traces: Traces, root: Path) -> str:
    """Of a job whose outputs are not there, or are marked as unfinished."""
    marker = marker_of(job, traces)
    if is_running(job, marker, traces):
        return RUNNING
    log = root / job.log
    blamed = traces.blamed.get(job.log, 0.0)
    # Snakemake's word counts unless the job has written since: then it was tried again.
    if raised(log) or (blamed and log.exists() and log.stat().st_mtime <= blamed and not marker):
        return FAILED
    return STOPPED if marker else WAITING


def marker_of(job: Job, traces: Traces) -> Marker | None:
    """The marker of any output of a job."""
    return next((traces.markers[path] for path in job.outputs if path in traces.markers), None)


def is_running(job: Job, marker: Marker | None, traces: Traces) -> bool:
    """Whether a living process works on a job, or a living Snakemake that began it waits for it."""
    if job.log in traces.open_logs:
        return True
    return marker is not None and any(started <= marker.begun for started in traces.builds)


def begun_of(job: Job, traces: Traces, root: Path) -> float:
    """When a running job was begun."""
    marker = marker_of(job, traces)
    return marker.begun if marker else (root / job.log).stat().st_ctime


def text_of(progress: Progress, names: Sequence[str], *, root: Path, now: float, beside: Iterable[str] = ()) -> str:
    """For the terminal; `beside`: sentences about other builds."""
    lines = [row(["stage", *STATES, "hours left"])]
    for stage in (*STAGES, LAST_STAGE):
        jobs = [job for job in progress.state if job.stage == stage]
        lines += [row([stage, *counts(jobs, progress), hours_left(jobs, progress)])] if jobs else []
    jobs = list(progress.state)
    lines += [row(["total", *counts(jobs, progress), hours_left(jobs, progress)]), ""]
    lines += [running(job, now - begun) for job, begun in [*progress.begun.items()][:SHOWN]]
    lines += failures(progress, root)
    return "\n".join([f"# Status of {', '.join(names)}", "", *lines, *ending(progress), *beside]) + "\n"


def running(job: Job, seconds: float) -> str:
    """One running job; it may have begun after `now` was asked for."""
    return f"running {max(0.0, seconds) / 60:6.1f} min  {job.place}"


def row(cells: Sequence[str]) -> str:
    """One line of the table."""
    return f"{cells[0]:16}" + "".join(f"{cell:>12}" for cell in cells[1:])


def counts(jobs: Sequence[Job], progress: Progress) -> list[str]:
    """How many of some jobs are in each state."""
    numbers = [sum(progress.state[job] == state for job in jobs) for state in STATES]
    return [f"{number:,}" if number else "" for number in numbers]


def hours_left(jobs: Sequence[Job], progress: Progress) -> str:
    """Of the jobs on a GPU; empty where nothing is left or known."""
    seconds = sum(progress.left.get(job, 0.0) for job in jobs if job.on_gpu)
    return hours(seconds) if seconds else ""


def failures(progress: Progress, root: Path) -> list[str]:
    """The failed jobs, the last one first, with the last words of their logs."""
    failed = [job for job, state in progress.state.items() if state == FAILED]
    failed.sort(key=lambda job: -(root / job.log).stat().st_mtime)
    words = [last_words(root / job.log) or "no word; see the newest file in .snakemake/log" for job in failed[:SHOWN]]
    lines = [f"failed  {job.log}: {said}" for job, said in zip(failed, words, strict=False)]
    return [*lines, f"        and {len(failed) - SHOWN} more"] if len(failed) > SHOWN else lines


def time_left(progress: Progress) -> str:
    """In a sentence; the jobs of which nothing is known are counted apart."""
    unknown = f"{jobs_in_words(progress.unknown)} of which no figure is known"
    if not progress.wall:
        return f"How long is left cannot be told: {unknown}." if progress.unknown else "Minutes are left."
    beside = f", beside {unknown}" if progress.unknown else ""
    return f"About {hours(progress.wall)} hours are left, {jobs_in_words(progress.gpus)} at a time{beside}."


def ending(progress: Progress) -> list[str]:
    """What is left, in a sentence or two."""
    counted = {state: sum(each == state for each in progress.state.values()) for state in STATES}
    if counted[DONE] == len(progress.state):
        return ["Everything is done."]
    sentences = [time_left(progress)]
    if counted[STOPPED]:
        sentences.append(
            f"{jobs_in_words(counted[STOPPED])} begun, and no process of this machine works on it: a build was killed, "
            "or runs on another machine. If none runs, `snakemake --unlock` and the build's command make them again."
        )
    if counted[FAILED]:
        sentences.append("What failed runs again with the build's own command, once its cause is mended.")
    return sentences
