"""Snakemake as a user calls it: a process of its own, in a folder of choice."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = ("--configfile", "config/demo.yaml")


# A small process in between: a child's peak of memory starts at that of the process it was forked from, which here is
# the whole test run.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
sys.exit(code)
"""


@dataclass(frozen=True)
class Call:
    """What a call of Snakemake said, and what it cost: processor seconds of its own, megabytes at its peak."""

    code: int
    text: str
    cpu_seconds: float
    megabytes: float


def snakemake(*words: str, cwd: Path = ROOT) -> Call:
    """`snakemake WORDS` with this interpreter; wide terminal, so that no line is folded."""
    environment = os.environ | {"COLUMNS": "400", "NO_COLOR": "1"}
    with tempfile.NamedTemporaryFile("r") as usage:
        command = [sys.executable, "-c", MEASURED, usage.name, sys.executable, "-m", "snakemake", *words]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False)
        seconds, megabytes = map(float, usage.read().split())
    return Call(done.returncode, done.stdout + done.stderr, seconds, megabytes)


def copy_of_the_repository(folder: Path) -> Path:
    """Every tracked or new file that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def job_counts(text: str) -> dict[str, int]:
    """Jobs per rule from the statistics that a dry run prints; rules as they are spelled in the rule files."""
    found = re.findall(r"^\s*(\w[\w ]*?)\s{2,}(\d+)\s*$", text, flags=re.MULTILINE)
    return {rule.replace(" ", "_"): int(count) for rule, count in found}
