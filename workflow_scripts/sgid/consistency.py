"""How far augmented images stay with their originals, and how far they differ from each other (Figure 3, section 4.4).

Several augmented images an original; their mean cosine with it in the space of an encoder (CLIP, where a figure
names no other), averaged over the originals of each class.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from PIL import Image
from torch import nn

from sgid.classes import ALL, apart_from_all, told_apart
from sgid.image_sets import load_chosen
from sgid.image_table import pictures_of, pixels_of
from sgid.intervals import mean_of
from sgid.mixing import MIXINGS, Mixing
from sgid.seeding import seed_for
from sgid.similarity import Encoder, consistency, diversity
from sgid.transforms import TRANSFORMS, Transform


def measure_method(
    encoder: Encoder,
    originals: pa.Table,
    *,
    images: Sequence[str],
    choice: Sequence[str],
    online: Mapping[str, Mapping],
    size: int,
    replicates: int,
    names: Mapping[int, str],
    base_seed: int,
) -> pd.DataFrame:
    """One row a class, then one of class_name `all`, for a method of generated `images`, `online` transforms, or both.

    `images`, `choice`: as for `load_chosen`; `size`: side in pixels at which online transforms act. Raises ValueError
    where generated images come from no original, or originals have unequal numbers of them.
    """
    _, generated = load_chosen(images, choice)
    if generated is not None:
        originals = originals_of(originals, generated)
    sources, augmented = to_compare(originals, generated, size=size, replicates=replicates)
    if online:
        augmented = perturbed(augmented, online, seed=seed_for(base_seed, "consistency"))
    encoded = encoder.encode_images([Image.fromarray(picture) for picture in augmented])
    features = grouped(encoded, sources, order=originals["image_id"].to_pylist())
    unchanged = encoder.encode_images(pictures_of(originals))
    return pd.DataFrame(summarise(unchanged, features, labels=originals["label"].to_pylist(), names=names))


def named(rows: pd.DataFrame, *, dataset: str, method: str, encoder: str, miniature: bool) -> pd.DataFrame:
    """The rows of `measure_method` with columns that say what was measured, and by which encoder."""
    about = pd.DataFrame({"dataset": dataset, "method": method}, index=rows.index)
    return about.join(rows).assign(encoder=encoder, miniature=miniature)


def to_compare(
    originals: pa.Table, generated: pa.Table | None, *, size: int, replicates: int
) -> tuple[list[str], np.ndarray]:
    """Source ids, and uint8 (M, size, size, 3): what was drawn, else `replicates` copies of the originals."""
    if generated is not None:
        return generated["source_id"].to_pylist(), pixels_of(generated, size)
    return originals["image_id"].to_pylist() * replicates, np.tile(pixels_of(originals, size), (replicates, 1, 1, 1))


def originals_of(originals: pa.Table, generated: pa.Table) -> pa.Table:
    """The originals of which something was drawn (recipes of `per_class` images draw from some)."""
    drawn = set(generated["source_id"].to_pylist())
    kept = originals.filter(pa.array([name in drawn for name in originals["image_id"].to_pylist()]))
    if len(kept) < len(drawn):
        raise ValueError(f"{len(drawn) - len(kept)} generated images come from no original; draw the set again")
    return kept


def perturbed(images: np.ndarray, online: Mapping[str, Mapping], *, seed: int) -> np.ndarray:
    """uint8 (N, S, S, 3) after the online transforms and mixings of a method, as a network would be given them."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    centre = pixels.float().mean(dim=(0, 2, 3), keepdim=True)
    made = [(TRANSFORMS | MIXINGS)[name](**options) for name, options in online.items()]
    for transform in (each for each in made if getattr(each, "acts_on", "") == "pixels"):
        pixels = transform(pixels, generator)
    # Centred values: what erases with the normalised value 0 then leaves the mean colour, as it does in training.
    values = pixels.float() - centre
    for change in (each for each in made if getattr(each, "acts_on", "") != "pixels"):
        values = changed(values, change, generator)
    return (values + centre).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def changed(values: torch.Tensor, change: Transform | Mixing, generator: torch.Generator) -> torch.Tensor:
    """Float (N, 3, S, S) after one transform, or one mixing of pictures (whose labels do not matter here)."""
    if hasattr(change, "acts_on"):
        return change(values, generator)
    with change(values, torch.ones(len(values), 1), generator, layer=nn.Identity()) as (mixed, _):
        return mixed


def grouped(features: torch.Tensor, sources: Sequence[str], *, order: Sequence[str]) -> torch.Tensor:
    """Features (M, D) of augmented pictures as (N, K, D): K pictures for each original, originals in `order`."""
    rows: dict[str, list[int]] = {source: [] for source in order}
    for row, source in enumerate(sources):
        rows[source].append(row)
    counts = sorted({len(found) for found in rows.values()})
    if len(counts) > 1:
        raise ValueError(
            f"originals have between {counts[0]} and {counts[-1]} augmented images; draw the set again, or name a "
            "recipe that is not filtered"
        )
    return features[torch.tensor([rows[source] for source in order])]


def summarise(
    originals: torch.Tensor, augmented: torch.Tensor, *, labels: Sequence[int], names: Mapping[int, str]
) -> list[dict]:
    """Features (N, D) of originals and (N, K, D) of their augmented images to one row a class and one for all."""
    cosines, spreads = consistency(originals, augmented), diversity(originals, augmented)
    label_of = torch.tensor(labels)
    name_of = told_apart({label: apart_from_all(name) for label, name in names.items()})
    groups = [(name_of[label], label_of == label) for label in sorted(set(labels))]
    groups.append((ALL, torch.ones(len(labels), dtype=torch.bool)))
    rows = [summary_row(name, cosines[mine], spreads[mine]) for name, mine in groups]
    return [row | {"images_per_original": augmented.shape[1]} for row in rows]


def summary_row(class_name: str, cosines: torch.Tensor, spreads: torch.Tensor) -> dict:
    """Means over originals of their cosine and diversity (1 - cosine), each with its 95 % interval."""
    low, high = interval(cosines, within=(-1.0, 1.0))
    diversity_low, diversity_high = interval(spreads, within=(0.0, 2.0))
    return {
        "class_name": class_name,
        "mean_cosine": cosines.mean().item(),
        "low": low,
        "high": high,
        "originals": len(cosines),
        "diversity": spreads.mean().item(),
        "diversity_low": diversity_low,
        "diversity_high": diversity_high,
    }


def interval(values: torch.Tensor, *, within: tuple[float, float]) -> tuple[float, float]:
    """95 % t interval of the mean of independent values (N,), cut to what a mean can be; NaN for one value."""
    mean, (least, most) = mean_of(values.double().numpy()), within
    return max(mean.low, least), min(mean.high, most)
