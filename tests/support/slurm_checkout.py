"""A checkout whose jobs go to the SLURM of the tests through profiles/slurm."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from slurm_cluster import Cluster, Queued
from snake import copy_of_the_repository

from sgid.runtime import file_hash

BUILD = ("--configfile", "config/demo.yaml", "tests/cluster/build.yaml")
SLOW = (*BUILD, "tests/cluster/slow.yaml")
PROFILES = ("--profile", "profiles/slurm", "--profile", "tests/cluster/site.yaml")


class Checkout:
    """A copy of the repository, and Snakemake in it."""

    def __init__(self, folder: Path, slurm: Cluster):
        self.folder, self.slurm = copy_of_the_repository(folder), slurm
        # The pretended GPUs are nothing to compute on.
        self.environment = slurm.environment | {"SGID_DEVICE": "cpu", "COLUMNS": "400", "NO_COLOR": "1"}
        self.said, self.known = folder / "snakemake.log", 0

    def command(self, *words: str, build: Sequence[str] = BUILD) -> list[str]:
        return [sys.executable, "-m", "snakemake", *words, *build, *PROFILES]

    def start(self, *words: str, build: Sequence[str] = BUILD) -> subprocess.Popen:
        """`snakemake WORDS` on the cluster; what it says goes to `said`."""
        command = self.command(*words, build=build)
        self.known = max((job.number for job in self.slurm.jobs()), default=0)
        with open(self.said, "w") as stream:
            return subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )

    def run(self, *words: str, build: Sequence[str] = BUILD) -> str:
        """The same to its end, which has to be a good one; what it said."""
        process = self.start(*words, build=build)
        assert process.wait() == 0, self.said.read_text() + self.job_logs()
        return self.said.read_text()

    def jobs(self) -> list[Queued]:
        """What SLURM knows of the jobs since the last start."""
        return [job for job in self.slurm.jobs() if job.number > self.known]

    def job(self, rule: str) -> Queued | None:
        """The last one of a rule."""
        return next((job for job in reversed(self.jobs()) if rule in job.comment), None)

    def outputs(self) -> dict[str, tuple[int, str]]:
        """Time and hash of each result, to see that none was made again."""
        files = sorted(path for path in (self.folder / "results").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): (path.stat().st_mtime_ns, file_hash(path)) for path in files}

    def job_logs(self) -> str:
        """What the jobs that failed said."""
        return "".join(f"\n--- {path}\n{path.read_text()[-3000:]}" for path in self.folder.glob("logs/slurm/**/*.log"))
