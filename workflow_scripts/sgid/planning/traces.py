"""The traces that Snakemake and its jobs leave: markers of unfinished outputs, logs, processes (standard library only).

Read only, so that a build may be running. Markers outlive a killed build; only a living process makes a job a running
one, on this machine by the log that it holds open, elsewhere by the Snakemake here that waits for it.
"""

import json
import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

MARKERS, LOGS = Path(".snakemake/incomplete"), Path(".snakemake/log")
PROCESSES = Path("/proc")
NEWEST = 50  # of Snakemake's own logs that are read
TAIL = 1 << 16  # bytes of a log that are looked at
FAILED_LOG = re.compile(r"^ {4}log: (.+?) \(check log file\(s\) for error details\)$", re.MULTILINE)
RAISED = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Marker:
    """An output that was begun and not finished: when (seconds of the epoch), and the cluster's job behind it."""

    begun: float
    cluster_job: str | None = None


@dataclass(frozen=True)
class Traces:
    """markers: by output; open_logs: of jobs at work on this machine; builds: when each living Snakemake of this
    folder started; blamed: log of a job to when a Snakemake said that the job failed.
    """

    markers: dict[str, Marker] = field(default_factory=dict)
    open_logs: frozenset[str] = frozenset()
    builds: tuple[float, ...] = ()
    blamed: dict[str, float] = field(default_factory=dict)


def traces_in(root: Path) -> Traces:
    """All of them, of the folder that a Snakemake works in."""
    processes = list(processes_of(root))
    logs = sorted((root / LOGS).glob("*.log"))[-NEWEST:]
    blamed = {name: path.stat().st_mtime for path in logs for name in blamed_in(path)}
    return Traces(
        markers=markers_in(root / MARKERS),
        open_logs=frozenset(name for pid in processes for name in open_files(pid, root / "logs", root)),
        builds=tuple(started for pid in processes if is_build(pid) for started in [birth(pid)] if started),
        blamed=blamed,
    )


def markers_in(folder: Path) -> dict[str, Marker]:
    """Output to its marker; the name of a marker's file is the output's, in base 64 and in parts where it is long."""
    found = {}
    for path in folder.rglob("*"):
        name = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
        try:
            known = json.loads(path.read_text(encoding="utf-8") or "{}") if path.is_file() else None
            output, begun = urlsafe_b64decode(name).decode(), path.stat().st_mtime
        except (OSError, ValueError):
            continue  # another Snakemake has just removed it, or is at it
        if known is not None:
            found[output] = Marker(begun, known.get("external_jobid"))
    return found


def blamed_in(path: Path) -> list[str]:
    """The logs of the jobs that failed, as a Snakemake's own log names them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return [name for names in FAILED_LOG.findall(text) for name in names.split(", ")]


def last_words(path: Path) -> str:
    """The last line of a job's log; empty where there is none."""
    lines = tail(path).strip().splitlines()
    return lines[-1].strip() if lines else ""


def raised(path: Path) -> bool:
    """Whether a job's log ends in an error that Python raised."""
    return RAISED in tail(path)


def tail(path: Path) -> str:
    """The end of a file; nothing where there is none."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def processes_of(root: Path) -> Iterator[int]:
    """Living processes that work in a folder, but for this one and those that it was started by."""
    mine = set(ancestors(os.getpid()))
    for path in PROCESSES.glob("[0-9]*"):
        try:
            inside = Path(os.readlink(path / "cwd")) == root.resolve()
        except OSError:
            continue  # it has ended, or is another user's
        if inside and int(path.name) not in mine:
            yield int(path.name)


def ancestors(pid: int) -> Iterator[int]:
    """A process and those that it was started by."""
    while pid > 1:
        yield pid
        status = tail(PROCESSES / str(pid) / "stat")
        pid = int(status.rpartition(")")[2].split()[1]) if status else 0


def is_build(pid: int) -> bool:
    """Whether a process is a Snakemake, not one of its jobs."""
    words = tail(PROCESSES / str(pid) / "cmdline").split("\0")
    called = ("-m", "snakemake") in pairwise(words)
    return called or any(Path(word).name == "snakemake" for word in words[:2])


def birth(pid: int) -> float | None:
    """When a process was started, in seconds of the epoch; None where it has ended."""
    try:
        return (PROCESSES / str(pid)).stat().st_ctime
    except OSError:
        return None


def open_files(pid: int, folder: Path, root: Path) -> Iterable[str]:
    """Files below a folder that a process holds open, relative to `root`."""
    for path in (PROCESSES / str(pid) / "fd").glob("*"):
        try:
            target = Path(os.readlink(path))
        except OSError:
            continue
        if target.is_relative_to(folder.resolve()):
            yield str(target.relative_to(root.resolve()))
