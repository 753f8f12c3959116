"""Finished runs, kept outside what Snakemake declares and deletes: nothing that was trained is trained twice.

A job trains several seeds, and Snakemake removes all of its outputs before it runs again, as when a seed is added. So
each run's record and predictions are kept first below `resources/trained`, in the folders that they have below
`results`, under a key that covers all that decides them; its checkpoint lies beside them while it trains.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sgid.checkpoints import ASIDE, Checkpoint
from sgid.predictions import write_predictions
from sgid.runtime import file_hash, provenance, read_json, replacing, write_json

LOG = logging.getLogger("sgid.trained")
RESULTS, TRAINED = Path("results"), Path("resources/trained")
# What decides a run beside its settings and inputs; a change of any is a reason to train anew.
MODULES = (
    *("seeding", "classes", "image_table", "image_sets", "rejects", "operations", "transforms", "mixing", "backbones"),
    *("composition", "online", "optimisation", "loop", "predictions", "training", "evaluation", "jobs"),
)
PACKAGES = ("torch", "torchvision", "timm", "open_clip_torch", "numpy", "pillow")


@dataclass(frozen=True)
class PlannedRun:
    """One run of a job: its seed, where record and predictions (if any) go, and the key of all that decides them."""

    seed: int
    record: Path
    predictions: Path | None
    key: str

    def kept(self, suffix: str) -> Path:
        """Where something of this run lies below `resources/trained`."""
        return TRAINED / self.record.relative_to(RESULTS).with_name(f"{self.record.stem}.{self.key}{suffix}")

    def checkpoint(self, minutes: float) -> Checkpoint:
        """Where the run is kept while it trains."""
        return Checkpoint(self.kept(".checkpoint"), self.key, minutes)

    def keep(self, record: Mapping[str, Any], predictions: pa.Table | None = None) -> None:
        """Keep what the run brought, then hand it on as the job's outputs; its checkpoint has had its day."""
        table = self.kept(".parquet")
        if predictions is not None:
            names = {name: record[name] for name in ("dataset", "backbone", "method", "seed")}
            write_predictions(predictions, table, names=names, miniature=record["miniature"])
        sha256 = None if predictions is None else file_hash(table)
        write_json({"record": record, "predictions": sha256}, self.kept(".json"))
        self.checkpoint(0).remove()
        if not self.hand_on():
            raise ValueError(f"{self.kept('.json')}: cannot be read back; look at the disk, then run this again")

    def hand_on(self) -> bool:
        """Write the job's outputs from what is kept; False where there is nothing whole to hand on."""
        path, table = self.kept(".json"), self.kept(".parquet")
        try:
            kept = read_json(path)
            whole = kept["predictions"] is None or kept["predictions"] == file_hash(table)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            if path.exists():
                LOG.warning("%s: is damaged, or its predictions are; the run is trained again", path)
            return False
        if self.predictions is not None:
            with replacing(self.predictions) as temporary:
                shutil.copyfile(table, temporary)
        write_json(kept["record"], self.record)
        return True


def planned_runs(outputs: Mapping[str, Sequence[str]], decided_by: Mapping[str, Any]) -> list[PlannedRun]:
    """The runs of a job from its outputs: `runs` (…/seed-{seed}.json) and perhaps `predictions`, in equal order."""
    records = [Path(path) for path in listed(outputs["runs"])]
    tables = [Path(path) for path in listed(outputs.get("predictions", []))] or [None] * len(records)
    seeds = [int(path.stem.removeprefix("seed-")) for path in records]
    return [
        PlannedRun(seed, record, table, key_of(decided_by | {"seed": seed}))
        for seed, record, table in zip(seeds, records, tables, strict=True)
    ]


def listed(paths: str | Sequence[str]) -> list[str]:
    """One path or several, as a list: Snakemake hands a single output on by itself."""
    return [paths] if isinstance(paths, str) else list(paths)


def decisive(
    names: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    files: Iterable[str],
    weights: Path | None = None,
    image_set: Any,
    device: str,
    modules: Sequence[str] = (),
) -> dict[str, Any]:
    """All that decides the runs of a job but their seeds.

    names: which runs they are; params: of the rule; files: inputs whose bytes count; weights: the folder of a
    pre-trained backbone; image_set: the one chosen, whose JSON has the hashes of its pictures; modules: what the rule
    itself keeps beside what every run does.
    """
    folder, origin = Path(__file__).parent, provenance(device)
    return {
        "names": dict(names),
        "params": dict(params),
        "files": [file_hash(path) for path in files],
        "weights": [file_hash(path) for path in sorted(weights.glob("*.safetensors"))] if weights else [],
        "image_set": image_set,
        "code": [file_hash(folder / f"{name}.py") for name in (*MODULES, *modules)],
        "packages": {name: origin["packages"][name] for name in PACKAGES},
        "device": origin["device"],
    }


def key_of(decided_by: Mapping[str, Any]) -> str:
    """32 hexadecimal digits: equal for what is equal as JSON."""
    return hashlib.sha256(json.dumps(decided_by, sort_keys=True).encode()).hexdigest()[:32]


def missing(runs: Sequence[PlannedRun]) -> list[PlannedRun]:
    """The runs that are still to be trained; the others are handed on from what is kept."""
    todo = [run for run in runs if not run.hand_on()]
    LOG.info("%d of %d runs were trained before and are taken from %s", len(runs) - len(todo), len(runs), TRAINED)
    return todo


def together(runs: Sequence[PlannedRun], one_encoder: bool) -> list[Sequence[PlannedRun]]:
    """Runs to be trained before any is measured: all where they share one encoder, which then sees a picture once."""
    if one_encoder:
        return [runs] if runs else []
    return [[run] for run in runs]


def prune(trained: Path = TRAINED, results: Path = RESULTS) -> str:
    """Remove what no result needs any more: runs that differ from their results, checkpoints of finished runs.

    What has no result, because it was deleted or a job is at work on it, stays, but for what was set aside.
    """
    removed, left = [], []
    for path in sorted(path for path in trained.rglob("seed-*") if path.is_file()):
        result = results / path.relative_to(trained).with_name(path.name.split(".")[0] + ".json")
        stays = not path.name.endswith(ASIDE) and (not result.exists() or is_kept_for(path, result))
        (left if stays else removed).append(path.stat().st_size)
        if not stays:
            path.unlink()
    return (
        f"{trained}: {len(removed)} files of earlier runs and finished checkpoints removed ({sum(removed):,} bytes), "
        f"{len(left)} kept ({sum(left):,} bytes)"
    )


def is_kept_for(path: Path, result: Path) -> bool:
    """Whether a kept file belongs to the run whose record is `result`."""
    if path.suffix not in (".json", ".parquet") or not path.with_suffix(".json").exists():
        return False
    return read_json(path.with_suffix(".json"))["record"] == read_json(result)
