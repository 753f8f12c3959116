"""The scores of a run, counted from its predictions, and the record that its JSON holds."""

import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import torch

from sgid.classes import told_apart
from sgid.composition import TrainingSet
from sgid.loop import History
from sgid.runtime import provenance


def scores_of(predictions: pa.Table, *, class_names: list[str]) -> dict[str, Any]:
    """Accuracy in percent, whole and by class; the confusion matrix holds class to predicted class to count.

    Counts of zero, and classes without a picture, are left out. Classes of one name have their labels behind it.
    """
    confusion = confusion_of(predictions, class_names=class_names)
    right = {name: row.get(name, 0) for name, row in confusion.items()}
    return {
        "accuracy": 100 * sum(right.values()) / len(predictions),
        "correct": sum(right.values()),
        "test_images": len(predictions),
        "per_class_accuracy": {name: 100 * right[name] / sum(row.values()) for name, row in confusion.items()},
        "confusion": confusion,
    }


def confusion_of(predictions: pa.Table, *, class_names: list[str]) -> dict[str, dict[str, int]]:
    """Name of a class to name of a predicted class to the number of pictures, where there are any."""
    pairs = Counter(zip(predictions["label"].to_pylist(), predictions["predicted"].to_pylist(), strict=True))
    names = told_apart(dict(enumerate(class_names)))
    confusion: dict[str, dict[str, int]] = defaultdict(dict)
    for (label, predicted), count in sorted(pairs.items()):
        confusion[names[label]][names[predicted]] = count
    return dict(confusion)


def run_record(
    names: Mapping[str, Any],
    scores: Mapping[str, Any],
    training_set: TrainingSet,
    history: History,
    *,
    image_set: Mapping[str, Any] | None,
    training: Mapping[str, Any],
    miniature: bool,
    device: str,
) -> dict[str, Any]:
    """What a run's JSON holds; `names` say which run it is, `image_set` which generated images it saw, if any.

    `training`: the settings that decided it (config.yaml's with the method's own laid over them).
    """
    return {
        **names,
        **scores,
        "train_images": len(training_set),
        "generated_images": int(training_set.generated.sum()),
        "excluded_images": training_set.excluded,
        "mix": training_set.mix.name,
        "training": dict(training),
        "epochs": history.epochs,
        "steps": history.steps,
        "recipe": image_set["recipe"] if image_set else None,
        "noise_rate": image_set["noise_rate"] if image_set else None,
        "reported_epoch": history.best_epoch or history.epochs,
        "curves": curves_of(history),
        "seconds": round(history.seconds, 3),
        "images_per_second": round(history.images / history.seconds, 1),
        "peak_memory": peak_memory(device),
        "miniature": miniature,
        "provenance": provenance(device),
    }


def curves_of(history: History) -> dict[str, list]:
    """One value an epoch: its number, the loss and, where it was measured, the accuracy on validation in percent."""
    measured = {"validation_accuracy": history.validation_accuracy} if history.validation_accuracy else {}
    return {"epoch": list(range(1, history.epochs + 1)), "train_loss": history.train_loss} | measured


def peak_memory(device: str) -> dict[str, float | None]:
    """The most that this process has held so far, in MiB: resident, and in PyTorch's hands on its GPU (None on a CPU).

    Runs that were trained in one job share it.
    """
    # The kernel counts KiB, macOS bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    on_gpu = round(torch.cuda.max_memory_allocated(device) / 2**20, 1) if device.startswith("cuda") else None
    return {"resident_mib": round(resident, 1), "gpu_mib": on_gpu}
