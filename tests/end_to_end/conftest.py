"""The demo, run once from a copy of what git knows, as a newcomer's fresh clone would."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from snake import DEMO, ROOT, Call, snakemake

TARGETS = ("all", "miniature_quality")


def copy_of_the_repository(folder: Path) -> Path:
    """Every tracked or new file that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


class Demo:
    """The folder of the finished demo, and Snakemake in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.first = self.run(*TARGETS)

    def run(self, *words: str) -> Call:
        return snakemake(*words, *DEMO, "--cores", str(os.cpu_count()), cwd=self.folder)

    def plan(self, *words: str, overlay: str = "") -> Call:
        """What would run for the demo's targets after the configuration has changed as `overlay` (YAML) says."""
        changed = self.folder / "overlay.yaml"
        changed.write_text(overlay or "{}")
        return snakemake(*TARGETS, "-n", "--configfile", "config/demo.yaml", "overlay.yaml", *words, cwd=self.folder)


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Demo:
    return Demo(copy_of_the_repository(tmp_path_factory.mktemp("clone")))
