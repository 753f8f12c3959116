"""Measure a trained classifier on every picture of a split, and record the run."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from sgid.backbones import Backbone, Classifier
from sgid.composition import TrainingSet
from sgid.image_table import pixels_of
from sgid.runtime import provenance
from sgid.training import History, autocast
from sgid.transforms import evaluation_view

BATCH = 256


def evaluate(
    model: Classifier, backbone: Backbone, images: Tensor, labels: Tensor, *, class_names: list[str]
) -> dict[str, Any]:
    """Accuracy in percent of uint8 (N, S, S, 3) against int64 (N,), whole and by class (those that occur)."""
    right = predictions(model, backbone, images) == labels
    return {
        "accuracy": percent(right),
        "correct": int(right.sum()),
        "test_images": len(labels),
        "per_class_accuracy": {
            name: percent(right[labels == label]) for label, name in enumerate(class_names) if (labels == label).any()
        },
    }


def evaluate_table(model: Classifier, backbone: Backbone, table: pa.Table, *, class_names: list[str]) -> dict[str, Any]:
    """`evaluate` on every row of an image table."""
    images = torch.from_numpy(pixels_of(table, backbone.view.resize))
    return evaluate(model, backbone, images, torch.tensor(table["label"].to_pylist()), class_names=class_names)


@torch.no_grad()
def predictions(model: Classifier, backbone: Backbone, images: Tensor) -> Tensor:
    """int64 (N,) on the CPU: the class of the largest logit; the last batch is as short as it is, never dropped."""
    device = next(model.parameters()).device
    model.eval()
    with autocast(device):
        parts = [model(evaluation_view(part.to(device), backbone.view)).argmax(1) for part in images.split(BATCH)]
    return torch.cat(parts).cpu()


def percent(right: Tensor) -> float:
    """Share of true entries of a bool tensor, in percent."""
    return 100 * int(right.sum()) / len(right)


def run_record(
    names: Mapping[str, Any],
    scores: Mapping[str, Any],
    training_set: TrainingSet,
    history: History,
    *,
    image_set: Mapping[str, Any] | None,
    miniature: bool,
    device: str,
) -> dict[str, Any]:
    """What a run's JSON holds; `names` say which run it is, `image_set` which generated images it saw, if any."""
    return {
        **names,
        **scores,
        "train_images": len(training_set),
        "generated_images": int(training_set.generated.sum()),
        "epochs": history.epochs,
        "steps": history.steps,
        "recipe": image_set["recipe"] if image_set else None,
        "noise_rate": image_set["noise_rate"] if image_set else None,
        "curves": {"epoch": list(range(1, history.epochs + 1)), "train_loss": history.train_loss},
        "seconds": round(history.seconds, 3),
        "images_per_second": round(history.epochs * len(training_set) / history.seconds, 1),
        "miniature": miniature,
        "provenance": provenance(device),
    }
