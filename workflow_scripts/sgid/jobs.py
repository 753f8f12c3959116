"""All runs of one (data set, backbone, method) in one job: what they share is read and decoded once."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from sgid.backbones import Backbone
from sgid.composition import compose_training_set
from sgid.evaluation import run_record, scores_of
from sgid.loop import History
from sgid.online import Online
from sgid.predictions import Pictures, predict
from sgid.seeding import seed_for
from sgid.stopping import Stop, stopping
from sgid.trained import PlannedRun, missing, together
from sgid.training import Trainer

LOG = logging.getLogger("sgid.jobs")


@dataclass(frozen=True)
class Images:
    """What the runs of a job learn from and are measured on, as image tables.

    image_set: what describes the generated pictures; held_out: validation images, of which no run learns anything;
    rejects: ids of generated pictures to leave out.
    """

    train: pa.Table
    measured: pa.Table
    image_set: Mapping[str, Any] | None = None
    generated: pa.Table | None = None
    held_out: pa.Table | None = None
    rejects: Collection[str] = frozenset()

    def __post_init__(self) -> None:
        if not len(self.measured):
            raise ValueError("there is no image to measure on; give the data set's `split` a share of test")


@dataclass(frozen=True)
class Job:
    """What the runs have in common but for their seeds.

    names: data set, backbone, method; seeded_by: those of them that each run's seed is made from; noted: what else each
    record says.
    """

    names: Mapping[str, str]
    backbone: Backbone
    classes: list[str]
    images: Images
    training: Mapping[str, Any]
    base_seed: int
    miniature: bool
    online: Online = field(default_factory=Online)
    weights_folder: Path | None = None
    device: str = "cpu"
    noted: Mapping[str, Any] = field(default_factory=dict)
    seeded_by: Sequence[str] = ("dataset", "backbone", "method")

    @cached_property
    def trainer(self) -> Trainer:
        """What trains all of them; the pictures to learn from are decoded when the first run is trained."""
        images, size = self.images, self.backbone.view.resize
        held_out = [] if images.held_out is None else images.held_out["image_id"].to_pylist()
        shared = {"size": size, "classes": len(self.classes), "training": self.training}
        left_out = {"held_out": set(held_out), "rejects": images.rejects}
        by_epoch = images.held_out if self.training.get("report") == "best_on_validation" else None
        return Trainer(
            self.backbone,
            partial(compose_training_set, images.train, images.generated, **shared, **left_out),
            len(self.classes),
            training=self.training,
            online=self.online,
            weights_folder=self.weights_folder,
            device=self.device,
            validation=None if by_epoch is None else Pictures.of(by_epoch, size=size),
        )

    @cached_property
    def measured(self) -> Pictures:
        """The pictures that every run is measured on, decoded."""
        return Pictures.of(self.images.measured, size=self.backbone.view.resize)

    def seed(self, run: PlannedRun) -> int:
        """What all chance of a run comes from."""
        return seed_for(self.base_seed, *(self.names[name] for name in self.seeded_by), run.seed, "training")

    def record(self, run: PlannedRun, scores: Mapping[str, Any], history: History) -> dict:
        """What is written of a run: its names, scores, what is noted of all the job's runs, training and origin."""
        return run_record(
            {**self.names, "seed": run.seed},
            {**scores, **self.noted},
            self.trainer.training_set,
            history,
            image_set=self.images.image_set,
            miniature=self.miniature,
            device=self.device,
            training=self.training,
        )


def complete(job: Job, runs: Sequence[PlannedRun], *, minutes: float) -> None:
    """Bring all runs to their outputs: from what is kept, else by training, with a checkpoint each so many minutes."""
    parts = together(missing(runs), job.trainer.one_encoder)
    for done, part in enumerate(parts, start=1):
        # A call of its own, so that no network waits on the device while the next one is trained.
        stop = train(job, part, minutes=minutes)
        if done < len(parts):
            stop.heed(done, len(parts), of="runs")


def train(job: Job, runs: Sequence[PlannedRun], *, minutes: float) -> Stop:
    """Train some of a job's runs, measure them together, and keep each; tell of a signal that came meanwhile."""
    fitted = [job.trainer.fit(job.seed(run), checkpoint=run.checkpoint(minutes)) for run in runs]
    # A stop in here would lose the steps behind the last checkpoint.
    with stopping() as stop:
        tables = predict([model for model, _ in fitted], job.backbone, job.measured)
        for run, (_, history), table in zip(runs, fitted, tables, strict=True):
            record = job.record(run, scores_of(table, class_names=job.classes), history)
            run.keep(record, table if run.predictions is not None else None)
            how = (run.seed, record["accuracy"], history.steps, history.seconds)
            LOG.info("seed %d: %.2f %% right after %d steps in %.1f s", *how)
    return stop
