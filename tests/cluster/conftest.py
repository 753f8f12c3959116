"""A checkout whose jobs go to the SLURM of the tests through profiles/slurm."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from slurm_cluster import Cluster, Queued
from snake import copy_of_the_repository

BUILD = ("--configfile", "config/demo.yaml", "tests/cluster/build.yaml")
PROFILES = ("--profile", "profiles/slurm", "--profile", "tests/cluster/site.yaml")


class Checkout:
    """A copy of the repository, and Snakemake in it."""

    def __init__(self, folder: Path, slurm: Cluster):
        self.folder, self.slurm = copy_of_the_repository(folder), slurm
        # The pretended GPUs are nothing to compute on.
        self.environment = slurm.environment | {"SGID_DEVICE": "cpu", "COLUMNS": "400", "NO_COLOR": "1"}
        self.said, self.known = folder / "snakemake.log", 0

    def start(self, *words: str) -> subprocess.Popen:
        """`snakemake WORDS` on the cluster; what it says goes to `said`."""
        command = [sys.executable, "-m", "snakemake", *words, *BUILD, *PROFILES]
        self.known = max((job.number for job in self.slurm.jobs()), default=0)
        with open(self.said, "w") as stream:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )

    def run(self, *words: str) -> str:
        """The same to its end, which has to be a good one; what it said."""
        process = self.start(*words)
        assert process.wait() == 0, self.said.read_text() + self.job_logs()
        return self.said.read_text()

    def jobs(self) -> list[Queued]:
        """What SLURM knows of the jobs since the last start."""
        return [job for job in self.slurm.jobs() if job.number > self.known]

    def job_logs(self) -> str:
        """What the jobs that failed said."""
        return "".join(f"\n--- {path}\n{path.read_text()[-3000:]}" for path in self.folder.glob("logs/slurm/**/*.log"))


def kill_all(process: subprocess.Popen) -> None:
    """Snakemake and its local jobs, as when a login node goes down."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def checkout(slurm, tmp_path):
    return Checkout(tmp_path / "checkout", slurm)
