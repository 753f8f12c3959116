"""How good the miniature is, measured on the experiment's own pictures, none of which its models have seen."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import torch

from sgid.image_table import pictures_of, pixels_of
from sgid.miniature import world
from sgid.miniature.classifiers import shapes_seen
from sgid.miniature.grammar import fields_said
from sgid.similarity import Clip


def class_kept(evaluator: torch.nn.Module, images: pa.Table) -> float:
    """Share of pictures in which the evaluator sees the class of their label."""
    seen = shapes_seen(evaluator, pixels_of(images, world.SIZE))
    return float(np.mean(seen == np.array(images["label"].to_pylist())))


def captions_right(captions: pa.Table, exact: Mapping[str, str]) -> dict[str, float]:
    """Of captions by one sampler: the share whose shape is right, and the share that state nothing wrong.

    `exact`: the exact caption of each image_id. `different` counts the distinct captions of an image.
    """
    shape, whole, different = [], [], []
    for image_id, texts in zip(captions["image_id"].to_pylist(), captions["captions"].to_pylist(), strict=True):
        truth = fields_said(exact[image_id])
        said = [fields_said(text) for text in texts]
        shape += [each.get("shape") == truth["shape"] for each in said]
        whole += [each.get("shape") == truth["shape"] and each.items() <= truth.items() for each in said]
        different.append(len(set(texts)))
    return {
        "shape right": float(np.mean(shape)),
        "nothing wrong": float(np.mean(whole)),
        "different captions an image": float(np.mean(different)),
    }


def true_caption_first(clip: Clip, images: pa.Table, exact: Sequence[str]) -> float:
    """Share of pictures for which CLIP ranks the true caption before the exact captions of all other pictures."""
    distinct = list(dict.fromkeys(exact))
    cosine = clip.encode_images(pictures_of(images)) @ clip.encode_texts(distinct).T
    best = cosine.argmax(1).tolist()
    return float(np.mean([distinct[index] == text for index, text in zip(best, exact, strict=True)]))


def as_markdown(rows: Sequence[tuple[str, str, float]]) -> str:
    """A table of (what, of what, value) with a heading that says what this is."""
    frame = pd.DataFrame(rows, columns=["measured", "on", "value"])
    lines = [f"| {r.measured} | {r.on} | {r.value:.3f} |" for r in frame.itertuples()]
    heading = "# Miniature: how good its tiny models are\n\n| measured | on | value |\n|---|---|---|\n"
    return heading + "\n".join(lines) + "\n"


def judge(
    train: pa.Table,
    *,
    captions: pa.Table,
    sets: Sequence[tuple[dict, pa.Table]],
    clip: Clip,
    evaluator: torch.nn.Module,
) -> list[tuple[str, str, float]]:
    """(what, of what, value) of every measure; `sets` are pairs of an image set's description and its images."""
    exact = dict(zip(train["image_id"].to_pylist(), train["exact_caption"].to_pylist(), strict=True))
    rows = [("class kept", "originals", class_kept(evaluator, train))]
    rows += [
        ("class kept", f"{about['recipe']}, noise {about['noise_rate']}", class_kept(evaluator, images))
        for about, images in sets
    ]
    samplers = {name: captions.filter(pc.equal(captions["sampler"], name)) for name in ("beam", "nucleus")}
    for name, texts in {"best beam": first_of_each(samplers["beam"]), **samplers}.items():
        found = captions_right(texts, exact)
        rows += [(what, f"{name} captions", value) for what, value in found.items()]
    first = true_caption_first(clip, train, list(exact.values()))
    rows.append(("true caption first", f"of {len(set(exact.values()))} exact captions, by CLIP", first))
    return rows


def first_of_each(captions: pa.Table) -> pa.Table:
    """Only the first caption of each image: of a beam search, the best."""
    first = pa.array([texts[:1] for texts in captions["captions"].to_pylist()])
    return captions.set_column(captions.column_names.index("captions"), "captions", first)
