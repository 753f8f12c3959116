"""Snakemake as a user calls it: a process of its own, in a folder of choice."""

import os
import re
import subprocess
import sys
import tempfile
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
    environment = os.environ | {"COLUMNS": "400", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "snakemake", *words]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, env=environment)
        # wait4 tells what this one call cost; the usage of all children would remember the largest of earlier ones.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    return Call(process.returncode, text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def job_counts(text: str) -> dict[str, int]:
    """Jobs per rule from the statistics that a dry run prints; rules as they are spelled in the rule files."""
    found = re.findall(r"^\s*(\w[\w ]*?)\s{2,}(\d+)\s*$", text, flags=re.MULTILINE)
    return {rule.replace(" ", "_"): int(count) for rule, count in found}
