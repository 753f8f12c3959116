"""Snakemake as a user calls it: a process of its own, in a folder of choice."""

import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = ("--configfile", "config/demo.yaml")


@dataclass(frozen=True)
class Call:
    """What a call of Snakemake said, and what it cost: processor seconds of its own, megabytes at its peak."""

    code: int
    text: str
    cpu_seconds: float
    megabytes: float


def snakemake(*words: str, cwd: Path = ROOT) -> Call:
    """`snakemake WORDS` with this interpreter; wide terminal, so that no line is folded."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"COLUMNS": "400", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "snakemake", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Call(done.returncode, done.stdout + done.stderr, seconds, after.ru_maxrss / 1024)


def job_counts(text: str) -> dict[str, int]:
    """Jobs per rule from the statistics that a dry run prints; rules as they are spelled in the rule files."""
    found = re.findall(r"^\s*(\w[\w ]*?)\s{2,}(\d+)\s*$", text, flags=re.MULTILINE)
    return {rule.replace(" ", "_"): int(count) for rule, count in found}
