"""The demo, run once from a copy of what git knows, as a newcomer's fresh clone would."""

import os
from pathlib import Path

import pytest
import torch
from snake import DEMO, ROOT, Call, copy_of_the_repository, snakemake

from sgid.generators.denoising import Diffusion, load_diffusion

TARGETS = ("all", "miniature_quality")


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


@pytest.fixture(scope="session")
def model() -> Diffusion:
    """The committed tiny Stable Diffusion."""
    torch.set_num_threads(1)
    return load_diffusion(str(ROOT / "resources/miniature/stable_diffusion/model.json"), device="cpu")
