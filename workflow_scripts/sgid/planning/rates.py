"""Seconds a unit of work: by jobs that finished here, by measurements on the device, or by the cost model's estimate.

Standard library only. Each figure carries its basis; one kind of work on one model has one figure.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from sgid.benchmark_files import measured
from sgid.planning.estimates import DIFFUSION, START, Device, estimated, naive_seconds
from sgid.planning.graph import Job
from sgid.planning.work import Work

OWN, MEASURED, ESTIMATE, NONE = "your jobs", "measured", "estimate", "none"
NETWORK_OF_CASE = {  # of benchmarks/training.py
    "resnet50_224": ("timm:resnet50", "224"),
    "resnet50_32": ("timm:resnet50", "32"),
    "vit_b16": ("timm:vit_base_patch16_224", "224"),
    "clip_b32": ("open_clip:ViT-B-32", "224"),
}
Key = tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """Seconds of a job, None where nothing is known of its work; what they are known by; those of the naive way."""

    seconds: float | None
    basis: str
    naive: float | None


NO_COST = Cost(0.0, "", 0.0)  # of work that needs no GPU and is not counted


@dataclass(frozen=True)
class Rates:
    """Figures for a device, the better basis first.

    own: (kind, key) to seconds a unit by finished jobs and how many they are; measured: the same by a benchmark file
    of the device, and that file's name.
    """

    device: Device
    own: Mapping[tuple[str, Key], tuple[float, int]] = field(default_factory=dict)
    measured: Mapping[tuple[str, Key], tuple[float, str]] = field(default_factory=dict)

    def cost(self, work: Work) -> Cost:
        """Of one job."""
        if not work.kind:
            return NO_COST
        naive = naive_seconds(work, self.device)
        if found := self.own.get((work.kind, work.key)):
            return Cost(work.units * found[0], OWN, naive)  # their start is in it
        if found := self._measured(work):
            return Cost(START + work.units * found[0], f"{MEASURED} ({found[1]})", naive)
        one = estimated(work, self.device)
        return Cost(None, NONE, naive) if one is None else Cost(START + work.units * one, ESTIMATE, naive)

    def longest(self, work: Work) -> float | None:
        """Seconds of one job by whichever basis says most; None where nothing is known.

        Of finished jobs those that were resumed, or took their runs from what is kept, say too little.
        """
        known = (rates.cost(work).seconds for rates in (self, replace(self, own={})))
        return max(filter(None, known), default=None)

    def _measured(self, work: Work) -> tuple[float, str] | None:
        """Benchmarks know a model by its hub's or library's name, which is the second part of a key."""
        keys = [(kind, key) for kind, key in self.measured if kind == work.kind and work.key[1].startswith(key[0])]
        fitting = [pair for pair in keys if pair[1][1:] == work.key[2:]]
        return self.measured[fitting[0]] if fitting else None


def own_rates(
    jobs: Iterable[Job], seconds_of: Callable[[str], float | None]
) -> dict[tuple[str, Key], tuple[float, int]]:
    """Median seconds a unit over finished jobs of one kind and key, and their number; `seconds_of` a benchmark's path.

    The median: a job that was resumed, or found its runs trained before, was quick for no reason that repeats itself.
    """
    found: dict[tuple[str, Key], list[float]] = {}
    for job in jobs:
        seconds = seconds_of(job.benchmark) if job.work.units else None
        if seconds:
            found.setdefault((job.work.kind, job.work.key), []).append(seconds / job.work.units)
    return {key: (median(values), len(values)) for key, values in found.items()}


def benchmark_seconds(path: str) -> float | None:
    """Wall-clock seconds of one of Snakemake's benchmarks; None where there is none, or it says nothing (yet)."""
    try:
        return measured(path).seconds
    except (FileNotFoundError, ValueError):
        return None


def measured_rates(folder: Path, names: Iterable[str]) -> dict[tuple[str, Key], tuple[float, str]]:
    """What benchmarks/results says of true sizes on a device that the driver calls by one of the names."""
    found: dict[tuple[str, Key], tuple[float, str]] = {}
    names = tuple(names)
    for path in sorted(folder.glob("*-true*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        if any(name.lower() in str(report.get("device", "")).lower() for name in names):
            found |= {key: (value, path.name) for key, value in rates_in(report).items()}
    return found


def rates_in(report: Mapping) -> dict[tuple[str, Key], float]:
    """Seconds a unit in one report of benchmarks/; of a ladder the fastest rung that is not compiled."""
    found: dict[tuple[str, Key], float] = {}
    if "unet" in report:
        rungs = [rung["evaluations_a_second"] for rung in report["unet"] if "compiled" not in rung["rung"]]
        for model in DIFFUSION:
            found["drawing", (model, "512")] = 1 / max(rungs)
    if "captions" in report:
        found["captions", ("Salesforce/blip-image-captioning-base", "20")] = (
            1 / report["captions"]["images_a_second"]["ours"]
        )
    if "scores" in report:  # of twenty captions, two samplers' worth
        found["scores", ("timm/vit_base_patch32_clip_224", "10")] = 0.5 / report["scores"]["images_a_second"]["ours"]
    for case, rates in report.get("training", {}).items():
        if case in NETWORK_OF_CASE:
            name, side = NETWORK_OF_CASE[case]
            rate = rates["images_a_second"]["plain"]["ours"]
            found["training", (name, side, "all")] = 1 / rate
    return found
