"""What `training.py` measures: networks of the demo and of the paper, and the pictures that they learn."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import yaml

from sgid.backbones import Backbone
from sgid.composition import TrainingSet, compose_training_set
from sgid.datasets.drawn import draw_split
from sgid.image_table import encoded_of
from sgid.online import Online
from sgid.training import Trainer

ROOT = Path(__file__).parents[1]
CLASSES = 8
METHODS = {
    "plain": {},
    "random_erasing": {"random_erasing": {}},
    "randaugment": {"randaugment": {}},
    "cutmix": {"cutmix": {}},
    "moex": {"moex": {}},
}
# Backbone of config/backbones.yaml, side of the data set's pictures, and images a second that are hoped for on a GPU.
TRUE_CASES = {
    "resnet50_224": ("resnet50", 224, 3500),
    "resnet50_32": ("resnet50", 32, 15000),
    "vit_b16": ("vit", 224, 2500),
    "clip_b32": ("clip_vit", 224, 8000),
}


@dataclass(frozen=True)
class Effort:
    """How much is measured: pictures, epochs of ours a round, rounds, workers of the loaders.

    job_epochs, seeds: of a probe, and of jobs of many seeds.
    """

    images: int
    epochs: int = 1
    rounds: int = 5
    workers: tuple[int, ...] = (0, 2)
    job_epochs: int = 30
    seeds: int = 5


@dataclass(frozen=True)
class Case:
    """A network and the pictures that it learns, as an image table."""

    backbone: Backbone
    pictures: pa.Table

    @cached_property
    def training_set(self) -> TrainingSet:
        """The pictures, decoded."""
        return compose_training_set(self.pictures, None, size=self.backbone.view.resize, classes=CLASSES)

    def trainer(self, *, epochs: int, device: str, method: str = "plain", **how) -> Trainer:
        """The workflow's own, for a job of some epochs."""
        recipe = replace(self.backbone.recipe, epochs=epochs)
        online = Online.from_config(METHODS[method], image_size=self.backbone.view.resize)
        backbone = replace(self.backbone, recipe=recipe)
        return Trainer(backbone, lambda: self.training_set, CLASSES, online=online, device=device, **how)

    @property
    def encoded(self) -> list[bytes]:
        """The pictures' files."""
        return [data for _, data in encoded_of(self.pictures)]

    @property
    def suffix(self) -> str:
        """Of the files: drawings are PNG, photographs JPEG."""
        return "png" if self.encoded[0].startswith(b"\x89PNG") else "jpg"


def backbone_of(name: str, file: str, *, side: int, **changes) -> Backbone:
    """An entry of a configuration file, as pictures of that side have it, with some fields changed."""
    entries = yaml.safe_load((ROOT / "config" / file).read_text(encoding="utf-8"))["backbones"]
    return replace(Backbone.from_config(entries[name], image_size=side), **changes)


def tiny_backbone(name: str = "resnet_tiny") -> Backbone:
    """A network of the demo, in batches of 128 as ResNet-50's recipe has them."""
    backbone = backbone_of(name, "demo.yaml", side=32)
    return replace(backbone, recipe=replace(backbone.recipe, batch_size=128))


def true_backbone(name: str) -> Backbone:
    """A network of the paper, all of it trained from random weights."""
    entry, side, _ = TRUE_CASES[name]
    return backbone_of(entry, "backbones.yaml", side=side, weights=None, train="all")


def case_of(backbone: Backbone, pictures: pa.Table) -> Case:
    """With batches that are no larger than the set."""
    batch = min(backbone.recipe.batch_size, len(pictures))
    return Case(replace(backbone, recipe=replace(backbone.recipe, batch_size=batch)), pictures)


def tiny_case(effort: Effort, name: str = "resnet_tiny") -> Case:
    """A network of the demo on drawings."""
    return case_of(tiny_backbone(name), draw_split("bench", effort.images))


def true_case(effort: Effort, name: str) -> Case:
    """A network of the paper on photographs, or on eight times as many drawings of 32 pixels."""
    from true_sizes import photographs

    small = TRUE_CASES[name][1] == 32
    return case_of(true_backbone(name), draw_split("bench", 8 * effort.images) if small else photographs(effort.images))
