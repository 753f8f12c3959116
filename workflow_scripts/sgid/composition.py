"""What a classifier is trained on: the originals and, by the method's mix, the images generated from them."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from sgid.image_table import pixels_of

MIXES = ("append",)


@dataclass(frozen=True)
class TrainingSet:
    """images: uint8 (N, S, S, 3); labels: int64 (N,); generated: bool (N,), true for a generated picture."""

    images: Tensor
    labels: Tensor
    generated: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def compose_training_set(
    originals: pa.Table,
    generated: pa.Table | None,
    *,
    size: int,
    mix: str = "append",
    held_out: Collection[str] = frozenset(),
) -> TrainingSet:
    """Originals and generated pictures, decoded to `size` pixels a side, without those of `held_out` originals."""
    if mix not in MIXES:
        raise ValueError(f"training mix {mix!r} is not defined (have: {', '.join(MIXES)})")
    tables = [without(originals, held_out, column="image_id")]
    if generated is not None:
        refuse_strangers(generated, originals, held_out)
        tables.append(without(generated, held_out, column="source_id"))
    return TrainingSet(
        images=torch.cat([torch.from_numpy(pixels_of(table, size)) for table in tables if len(table)]),
        labels=torch.tensor([label for table in tables for label in table["label"].to_pylist()]),
        generated=torch.arange(sum(map(len, tables))) >= len(tables[0]),
    )


def without(table: pa.Table, held_out: Collection[str], *, column: str) -> pa.Table:
    """The rows whose `column` is none of the held-out ids."""
    return table.filter(pc.invert(pc.is_in(table[column], value_set=pa.array(sorted(held_out), pa.string()))))


def refuse_strangers(generated: pa.Table, originals: pa.Table, held_out: Collection[str]) -> None:
    """A picture made from anything but the training originals could carry the test set into training."""
    strangers = set(generated["source_id"].to_pylist()) - set(originals["image_id"].to_pylist()) - set(held_out)
    if strangers:
        raise ValueError(
            f"{len(strangers)} generated images come from no training image (one is {min(strangers)!r}); "
            "delete the image set and make it again from this data set"
        )
