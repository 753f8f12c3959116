"""Whether a build can run as it stands: one line a finding, each with its next step, before anything is paid for."""

import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sgid.host_memory import available_memory
from sgid.lease import pool_of, unseen
from sgid.planning.downloads import archive_findings, model_findings, together
from sgid.planning.findings import FINE, NOTE, STOPS, Finding
from sgid.planning.machine import refuses_writing, room, torch_sees
from sgid.planning.plan_report import amount, size
from sgid.planning.plans import Plan

WRITTEN = ("results", "resources", "logs")
ON_CLUSTER = "on a cluster the jobs' nodes count, not this one; elsewhere"
WIDTH = 200  # characters of a line
TorchSees = Callable[..., tuple[bool, str, str | None]]


def findings_of(plan: Plan, *, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """All findings, what stops the build first."""
    missing = together([*model_findings(plan), *archive_findings(plan)])
    checks = (missing, disk(plan), memory(plan, environment), gpu(plan, environment), folders())
    found = [finding for check in checks for finding in check]
    return sorted(found, key=lambda finding: (STOPS, NOTE, FINE).index(finding.level))


def text_of(findings: list[Finding], names: str) -> str:
    """A line each, wrapped where it is very long, and the verdict."""
    stopping = sum(finding.level == STOPS for finding in findings)
    verdict = stopped(stopping) if stopping else "Nothing stops this build."
    lacking = any(finding.missing for finding in findings)
    missing = "" if lacking or stopping else " Nothing is missing."
    return "\n".join([f"# Preflight of {names}", "", *map(wrapped, findings), "", verdict + missing]) + "\n"


def wrapped(finding: Finding) -> str:
    """The lines of a finding."""
    indent = 7 * " "
    return textwrap.fill(str(finding), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def stopped(number: int) -> str:
    """The verdict on a build that cannot run."""
    return "1 finding stops this build." if number == 1 else f"{number} findings stop this build."


def exit_status(findings: list[Finding]) -> int:
    """1 where anything stops the build."""
    return int(any(finding.level == STOPS for finding in findings))


def disk(plan: Plan) -> Iterator[Finding]:
    """Room where results and resources lie, for what the plan writes there."""
    summary = plan.summary
    wanted = {"results": summary.results, "resources": summary.fetched + summary.caches}
    by_device: dict[int, list[str]] = {}
    rooms = {name: room(Path(name)) for name in wanted}
    for name, (device, _, _) in rooms.items():
        by_device.setdefault(device, []).append(name)
    for names in by_device.values():
        _, free, files = rooms[names[0]]
        need, where = sum(wanted[name] for name in names), " and ".join(f"{name}/" for name in names)
        said = f"{where}: {worded('about', need)} are needed and {amount(free)} are free"
        step = "make room, or link the folder to a larger disk"
        yield Finding(STOPS, said + too_few(need, free), step) if need > free else Finding(FINE, said)
        if 0 <= files < summary.inodes:
            yield Finding(STOPS, f"{where}: {summary.inodes:,} files are needed and {files:,} can be made", step)


def worded(word: str, number: float) -> str:
    """`about 2 GB`, but `less than 0.01 GB` without the word."""
    return f"{word} {size(number)}" if size(number) else amount(number)


def too_few(need: float, free: float) -> str:
    """What is too little by how much: rounded, both may read alike."""
    return f", {amount(need - free)} too few"


def memory(plan: Plan, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Room in memory for the largest set of decoded pictures; only a note where no GPU says that jobs run here."""
    available = available_memory()
    largest = max((job.work.held for job in plan.waiting), default=0.0)
    said = f"memory: pictures take {worded('up to', largest)} of {amount(available)} that are free"
    step = "take a larger machine, or lower the backbone's view.resize"
    if largest <= available:
        yield Finding(FINE, said)
    elif environment.get("SGID_DEVICE") or pool_of(environment):
        yield Finding(STOPS, said + too_few(largest, available), step)
    else:
        yield Finding(NOTE, said + too_few(largest, available), f"{ON_CLUSTER} {step}")


def gpu(plan: Plan, environment: Mapping[str, str], sees: TorchSees = torch_sees) -> Iterator[Finding]:
    """Whether driver and PyTorch agree on what there is."""
    jobs = sum(job.on_gpu for job in plan.waiting)
    if not jobs:
        return
    if asked := environment.get("SGID_DEVICE"):
        yield Finding(
            NOTE, f"SGID_DEVICE={asked}: {jobs} GPU jobs run there", "unset it where GPUs are meant to be used"
        )
        return
    pool = pool_of(environment)
    if not pool:
        said = f"no GPU here: {jobs} GPU jobs would run on the CPU"
        yield Finding(NOTE, said, f"{ON_CLUSTER} look at nvidia-smi")
        return
    try:
        usable, version, cuda = sees(pool)
    except (TimeoutError, RuntimeError) as error:
        yield Finding(STOPS, str(error), "look at nvidia-smi and the driver's log, or set SGID_DEVICE=cpu")
        return
    if usable:
        yield Finding(FINE, f"GPU {', '.join(pool)}: PyTorch {version} (CUDA {cuda}) can use it")
    else:
        said, step = unseen(pool, version, cuda).split(": ", 1)
        yield Finding(STOPS, said, step)


def folders() -> Iterator[Finding]:
    """Whether results, downloads and logs can be written."""
    for name in WRITTEN:
        if why := refuses_writing(Path(name)):
            yield Finding(
                STOPS, f"{name}/ cannot be written ({why})", "give yourself the right to, or link it elsewhere"
            )
