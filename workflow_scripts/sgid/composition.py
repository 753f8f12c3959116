"""What a classifier is trained on: the originals and, by the method's mix, the images generated from them.

A training set keeps its pictures once; which of them an epoch visits, and how many steps a training takes, follow from
the settings (`training` in config/config.yaml, a method's own `training` over it).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from sgid.backbones import Recipe
from sgid.image_sets import without
from sgid.image_table import pixels_of
from sgid.memory import require_memory

MIXES = ("append", "replace", "synthetic")
COLUMNS = ["image_id", "image", "label"]
# What holds where settings leave a key out, as they do for methods that draw no images.
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"mix": "append", "replace_probability": 0.5, "per_original": None, "budget": "epochs", "epochs_factor": 1}
)


@dataclass(frozen=True)
class Mix:
    """How an epoch is composed.

    append: every picture once; replace: every original once, or in its place, with `probability`, one of the pictures
    generated from it; synthetic: every generated picture once, and no original.
    """

    name: str = "append"
    probability: float = 0.5

    def __post_init__(self) -> None:
        if self.name not in MIXES:
            raise ValueError(f"training.mix: {self.name!r} is not defined (have: {', '.join(MIXES)})")


@dataclass(frozen=True)
class TrainingSet:
    """The pictures of a training, originals first, then the generated ones.

    images: uint8 (N, S, S, 3); labels: int64 (N,); generated: bool (N,), true for a generated picture; origin: int64
    (N,), the row of the original that a picture stands for, its own for an original, -1 where the mix has no originals;
    unused_originals: how many the mix leaves out; excluded: generated pictures that reject lists took out.
    """

    images: Tensor
    labels: Tensor
    generated: Tensor
    origin: Tensor
    mix: Mix = Mix()
    unused_originals: int = 0
    excluded: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def originals(self) -> int:
        """Originals among the pictures."""
        return int((~self.generated).sum())

    @property
    def epoch_size(self) -> int:
        """Pictures that one epoch visits."""
        return self.originals if self.mix.name == "replace" else len(self)

    @property
    def plain_epoch_size(self) -> int:
        """Pictures that one epoch of the plain backbone visits on the same originals."""
        return self.originals + self.unused_originals

    def epoch_rows(self, generator: torch.Generator) -> Tensor:
        """int64 (epoch_size,): the rows that one epoch visits, shuffled."""
        order = torch.randperm(self.epoch_size, generator=generator)
        return self._replaced(generator)[order] if self.mix.name == "replace" else order

    def _replaced(self, generator: torch.Generator) -> Tensor:
        """int64 (originals,): each original's own row or, by the mix's chance, that of a picture generated from it."""
        drawn, start, count = self._drawn_of_each
        chosen = (torch.rand(len(count), generator=generator) < self.mix.probability) & (count > 0)
        which = start + (torch.rand(len(count), generator=generator, dtype=torch.float64) * count).long()
        rows = torch.arange(len(count))
        rows[chosen] = drawn[which[chosen]]
        return rows

    @cached_property
    def _drawn_of_each(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of the generated pictures by original; where each original's begin among them, and how many they are."""
        drawn = self.generated.nonzero().squeeze(1)
        count = torch.bincount(self.origin[drawn], minlength=self.originals)
        return drawn[self.origin[drawn].argsort(stable=True)], count.cumsum(0) - count, count


def compose_training_set(
    originals: pa.Table,
    generated: pa.Table | None,
    *,
    size: int,
    classes: int,
    training: Mapping[str, Any] = DEFAULTS,
    held_out: Collection[str] = frozenset(),
    rejects: Collection[str] = frozenset(),
) -> TrainingSet:
    """Originals and generated pictures by the settings `training`, decoded to `size` pixels a side.

    Without `held_out` originals and what was generated from them, and without the generated pictures that `rejects`
    names by id. Where nothing is generated, the settings have no say. Raises ValueError, before a picture is decoded,
    for a label that is none of `classes`, a class without a picture, and a picture of unknown origin.
    """
    kept, settings = without(originals, held_out, column="image_id"), DEFAULTS | training
    if generated is None:
        return decoded(kept, None, size=size, classes=classes)
    mix = Mix(settings["mix"], settings["replace_probability"])
    refuse_strangers(generated, originals, held_out)
    wanted = without(first_of_each(generated, settings["per_original"]), held_out, column="source_id")
    drawn = without(wanted, rejects, column="image_id")
    used = kept.slice(0, 0) if mix.name == "synthetic" else kept
    pictures = decoded(used, drawn, size=size, classes=classes)
    counts = {"unused_originals": len(kept) - len(used), "excluded": len(wanted) - len(drawn)}
    return replace(pictures, mix=mix, **counts)


def decoded(originals: pa.Table, generated: pa.Table | None, *, size: int, classes: int) -> TrainingSet:
    """Every picture of both tables, once their labels are in order."""
    tables = [originals] if generated is None else [originals, generated]
    pictures = pa.concat_tables([table.select(COLUMNS) for table in tables])  # copies nothing
    refuse_wrong_labels(pictures, classes)
    require_memory(len(pictures), size)
    row_of = {image_id: row for row, image_id in enumerate(originals["image_id"].to_pylist())}
    sources = [] if generated is None else generated["source_id"].to_pylist()
    return TrainingSet(
        images=torch.from_numpy(pixels_of(pictures, size)),
        labels=torch.tensor(pictures["label"].to_pylist()),
        generated=torch.arange(len(pictures)) >= len(originals),
        origin=torch.tensor([*range(len(originals)), *(row_of.get(source, -1) for source in sources)]),
    )


def first_of_each(generated: pa.Table, count: int | None) -> pa.Table:
    """The first `count` replicates of each original, as far as a filter leaves them; None keeps all."""
    return generated if count is None else generated.filter(pc.less(generated["replicate"], count))


def refuse_strangers(generated: pa.Table, originals: pa.Table, held_out: Collection[str]) -> None:
    """A picture made from anything but the training originals could carry the test set into training."""
    strangers = set(generated["source_id"].to_pylist()) - set(originals["image_id"].to_pylist()) - set(held_out)
    if strangers:
        raise ValueError(
            f"{len(strangers)} generated images come from no training image (one is {min(strangers)!r}); "
            "delete the image set and make it again from this data set"
        )


def refuse_wrong_labels(pictures: pa.Table, classes: int) -> None:
    """Every label is one of 0 to classes - 1, and every class has a picture to learn from."""
    labels = pictures["label"].to_pylist()
    for image_id, label in zip(pictures["image_id"].to_pylist(), labels, strict=True):
        if not 0 <= label < classes:
            raise ValueError(
                f"image {image_id!r} has label {label}, but the {classes} classes of classes.csv are 0 to "
                f"{classes - 1}; delete the data set's tables and its image sets and make them again"
            )
    missing = sorted(set(range(classes)) - set(labels))
    if missing:
        raise ValueError(
            f"class {missing[0]} has no training image ({len(missing)} of {classes} classes have none); give the "
            "training split images of it, or look whether training.mix, training.exclude or a filter leaves them out"
        )


def planned_steps(training_set: TrainingSet, recipe: Recipe, settings: Mapping[str, Any] = DEFAULTS) -> int:
    """Optimiser steps of a whole training.

    budget `epochs`: the recipe's epochs over the composed set; `steps`: as many as the plain backbone takes for its
    epochs over the same originals. Either is multiplied by `epochs_factor`. Raises ValueError for a batch that no epoch
    fills.
    """
    settings = DEFAULTS | settings
    pictures = {"epochs": training_set.epoch_size, "steps": training_set.plain_epoch_size}
    if settings["budget"] not in pictures:
        raise ValueError(f"training.budget: {settings['budget']!r} is not defined (have: {', '.join(pictures)})")
    if recipe.batch_size > training_set.epoch_size:
        raise ValueError(
            f"the backbone's recipe.batch_size is {recipe.batch_size}, but an epoch has {training_set.epoch_size} "
            f"training images; set it to {training_set.epoch_size} or less"
        )
    return ceil(pictures[settings["budget"]] / recipe.batch_size) * recipe.epochs * settings["epochs_factor"]
