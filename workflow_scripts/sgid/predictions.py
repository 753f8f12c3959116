"""What trained classifiers say of every picture of a split: one row a picture, kept so that runs can be compared.

Two runs of one data set are joined by `image_id`, which paired tests need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from sgid.backbones import Backbone, Classifier
from sgid.image_table import pixels_of, read_table, write_table
from sgid.optimisation import autocast
from sgid.runtime import provenance
from sgid.transforms import evaluation_view

BATCH = 256
SCHEMA = pa.schema(
    {
        "image_id": pa.string(),
        "label": pa.int64(),
        "predicted": pa.int64(),
        "probability": pa.float32(),
        "probability_of_label": pa.float32(),
    }
)


@dataclass(frozen=True)
class Pictures:
    """A split decoded once, however many models are measured on it: uint8 (N, S, S, 3) and int64 (N,), on the CPU."""

    image_ids: list[str]
    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, table: pa.Table, *, size: int) -> "Pictures":
        """Every row of an image table, its pictures fitted to `size` pixels a side."""
        images = torch.from_numpy(pixels_of(table, size))
        return cls(table["image_id"].to_pylist(), images, torch.tensor(table["label"].to_pylist(), dtype=torch.int64))


def predict(models: Sequence[Classifier], backbone: Backbone, pictures: Pictures) -> list[pa.Table]:
    """One table (SCHEMA) for each model, in the order of the pictures."""
    return [predictions_from(logits, pictures) for logits in logits_of(models, backbone, pictures.images)]


def predictions_from(logits: Tensor, pictures: Pictures) -> pa.Table:
    """The class of the largest of float32 (N, classes) logits, its probability, and that of the true class."""
    probabilities = logits.softmax(1)
    predicted = logits.argmax(1)
    columns = {
        "label": pictures.labels,
        "predicted": predicted,
        "probability": probabilities.gather(1, predicted[:, None])[:, 0],
        "probability_of_label": probabilities.gather(1, pictures.labels[:, None])[:, 0],
    }
    values = {"image_id": pictures.image_ids} | {name: column.numpy() for name, column in columns.items()}
    return pa.table(values, schema=SCHEMA)


@torch.no_grad()
def logits_of(models: Sequence[Classifier], backbone: Backbone, images: Tensor) -> list[Tensor]:
    """float32 (N, classes) on the CPU for each model, of uint8 (N, S, S, 3); the models end in evaluation mode.

    The last batch is as short as it is, never dropped. Models that share one encoder object have it run once.
    """
    for model in models:
        model.eval()
    device = next(models[0].parameters()).device
    parts = [heads_of(models, evaluation_view(part.to(device), backbone.view)) for part in images.split(BATCH)]
    return [torch.cat(logits).cpu() for logits in zip(*parts, strict=True)]


def heads_of(models: Sequence[Classifier], view: Tensor) -> list[Tensor]:
    """float32 logits (B, classes) of each model for one batch of normalised pictures.

    Heads work in float32 on every device: half precision would make ties of near classes.
    """
    encoders = {model.encoder: model for model in models}
    with autocast(view.device):
        features = {encoder: model.features(view).float() for encoder, model in encoders.items()}
    return [model.head(features[model.encoder]) for model in models]


def write_predictions(predictions: pa.Table, path: str | Path, *, names: Mapping[str, Any], miniature: bool) -> None:
    """Rows in `image_id` order; `names` say which run they are of."""
    origin = {"predictions": dict(names), "miniature": miniature, "commit": provenance()["commit"]}
    write_table(predictions, path, metadata=origin)


def read_predictions(path: str | Path) -> pa.Table:
    """What `write_predictions` wrote, in `image_id` order; raises ValueError that names a file of anything else."""
    table = read_table(path)
    if table.schema.remove_metadata() != SCHEMA:
        raise ValueError(
            f"{path}: holds no predictions (columns {', '.join(table.column_names)}); give one of results/predictions"
        )
    return table
