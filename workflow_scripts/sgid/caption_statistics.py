"""What a data set's captions are like, in numbers: frames in, plain dictionaries out, ready for JSON.

Two frames. `images`, one row an image: the prompts table with `truncated` and `label_cosine`. `captions`, one row a
caption: image_id, label, sampler, caption, cosine, words, names_class. What is not a finite number is counted and left
out of means; a mean of nothing is None.
"""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sgid.classes import told_apart
from sgid.prompts import readable

EXAMPLES = 5
FREQUENT = 15
BINS = 30
NARROW = 1e-6  # a range that is rounding only


def image_frame(prompts: pd.DataFrame, scores: pd.DataFrame, truncated: Sequence[bool]) -> pd.DataFrame:
    """The prompts table with whether each prompt is truncated, and the cosine of image and label text."""
    label_cosine = scores.drop_duplicates("image_id").set_index("image_id")["label_similarity"].astype(float)
    return prompts.assign(truncated=list(truncated), label_cosine=prompts["image_id"].map(label_cosine).astype(float))


def caption_frame(scores: pd.DataFrame, images: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """One row a caption. `scores`: rows of the score shards, with lists; `names`: label to readable class name."""
    columns = {"captions": "caption", "similarities": "cosine"}
    rows = scores[["image_id", "sampler", *columns]].explode(list(columns), ignore_index=True).rename(columns=columns)
    rows = rows[rows["caption"].notna()]
    rows["label"] = rows["image_id"].map(images.set_index("image_id")["label"])
    rows["cosine"] = rows["cosine"].astype(float)
    rows["words"] = [len(text.split()) for text in rows["caption"]]
    rows["names_class"] = names_class(rows["caption"], rows["label"], names)
    return rows


def names_class(captions: pd.Series, labels: pd.Series, names: Mapping[int, str]) -> pd.Series:
    """Whether each caption has the readable name of its class: as whole words, plural included, whatever the case."""
    found = pd.Series(False, index=captions.index)
    for label, own in captions.groupby(labels):
        name = readable(names[label]).casefold()
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?:s|es)?(?!\w)")
        folded = (text.casefold() for text in own)
        found[own.index] = [bool(name) and name in text and bool(pattern.search(text)) for text in folded]
    return found


def caption_statistics(
    captions: pd.DataFrame, images: pd.DataFrame, *, names: Mapping[int, str], beams: Mapping[str, Sequence[int]]
) -> dict:
    """All numbers of a report. `beams`: by sampler, the numbers of beams that its captions record."""
    samplers = {
        sampler: sampler_statistics(rows) | {"beams": list(beams.get(sampler, []))}
        for sampler, rows in captions.groupby("sampler")
    }
    return {
        "images": len(images),
        "classes": int(images["label"].nunique()),
        "samplers": samplers | {"all": sampler_statistics(captions) | {"beams": []}},
        "label_text": {"cosine": spread(images["label_cosine"]), "not_a_number": not_finite(images["label_cosine"])},
        "similarity": spread(images["similarity"]),
        "guidance": spread(images["guidance"]),
        "image_counts": image_counts(captions, images, names),
        "chosen_by_sampler": counts_of(images["sampler"]),
        "best_by_sampler": counts_of(best_samplers(captions)),
        "shared": shared_captions(captions),
        "by_class": class_table(captions, images, names).to_dict("records"),
        "histograms": histograms(captions, images),
    }


def sampler_statistics(captions: pd.DataFrame) -> dict:
    """Counts and cosines of some captions; a caption is repeated where its image has had it before."""
    images = captions.groupby("image_id", sort=False)
    distinct = images["caption"].nunique()
    return {
        "captions": len(captions),
        "images": len(distinct),
        "captions_an_image": mean(images.size()),
        "distinct_an_image": mean(distinct),
        "repeated": len(captions) - int(distinct.sum()),
        "empty": int((captions["words"] == 0).sum()),
        "one_word": int((captions["words"] == 1).sum()),
        "names_class": int(captions["names_class"].sum()),
        "not_a_number": not_finite(captions["cosine"]),
        "cosine": spread(captions["cosine"]),
        "best_cosine": mean(images["cosine"].max()),
    }


def image_counts(captions: pd.DataFrame, images: pd.DataFrame, names: Mapping[int, str]) -> dict[str, dict]:
    """How many images each of these holds for, with the first few of them."""
    by_image = captions.groupby("image_id")
    equal = (by_image["caption"].nunique() == 1) & (by_image.size() > 1)
    nan = (~np.isfinite(captions["cosine"])).groupby(captions["image_id"]).any()
    flags = images.set_index("image_id")
    chosen = flags[flags["caption"] != ""]
    holds = {
        "truncated": flags["truncated"],
        "clamped": flags["guidance_clamped"],
        "no_caption": flags["prompt_flag"] == "no caption",
        "no_similarity": flags["prompt_flag"] == "no similarity",
        "some_not_a_number": nan,
        "all_equal": equal,
        "chosen_names_class": names_class(chosen["caption"], chosen["label"], names),
    }
    return {name: counted(which) for name, which in holds.items()}


def counted(which: pd.Series) -> dict:
    """How many images of a boolean series, indexed by image_id, are true, and the first of them."""
    found = sorted(which.index[which.astype(bool)])
    return {"count": len(found), "examples": found[:EXAMPLES]}


def best_samplers(captions: pd.DataFrame) -> pd.Series:
    """By image, whose caption is the most similar one: a sampler's, or `both` where both have written it."""
    usable = captions[np.isfinite(captions["cosine"]) & (captions["words"] > 0)]
    best = usable.loc[usable.groupby("image_id")["cosine"].idxmax(), ["image_id", "caption"]]
    writers = usable.merge(best, on=["image_id", "caption"]).drop_duplicates(["image_id", "sampler"])
    by_image = writers.groupby("image_id")["sampler"]
    return by_image.first().mask(by_image.size() > 1, "both")


def shared_captions(captions: pd.DataFrame) -> dict:
    """Captions, empty ones aside, that different images have in common; the most frequent ones by number of images."""
    pairs = captions[captions["words"] > 0].drop_duplicates(["caption", "image_id"])
    texts = pairs.groupby("caption").agg(images=("image_id", "size"), classes=("label", "nunique")).reset_index()
    shared = texts[texts["images"] > 1].sort_values(["images", "caption"], ascending=[False, True])
    return {
        "distinct": len(texts),
        "distinct_shared": len(shared),
        "pairs": len(pairs),
        "pairs_shared": int(shared["images"].sum()),
        "most_frequent": shared.head(FREQUENT).to_dict("records"),
    }


def class_table(captions: pd.DataFrame, images: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """One row a class that has images, the least similar first: n, mean s*, mean g, share of captions that name it."""
    table = images.groupby("label").agg(
        images=("image_id", "size"), similarity=("similarity", "mean"), guidance=("guidance", "mean")
    )
    table["names_class"] = captions.groupby("label")["names_class"].mean().astype(object)
    shown = told_apart({label: readable(name) for label, name in names.items()})
    table.insert(0, "name", [shown[label] for label in table.index])
    table = table.reset_index().sort_values(["similarity", "label"])
    return table.astype(object).where(table.notna(), None)


def histograms(captions: pd.DataFrame, images: pd.DataFrame) -> dict:
    """Of s* and g over images, and of the cosines of each sampler's captions and of label texts on common edges."""
    series = dict(list(captions.groupby("sampler")["cosine"])) | {"label text": images["label_cosine"]}
    edges = edges_around(pd.concat(series.values()))
    return {
        "similarity": histogram(images["similarity"]),
        "guidance": histogram(images["guidance"]),
        "cosine": {name: histogram(values, edges) for name, values in series.items()},
    }


def histogram(values: pd.Series, edges: np.ndarray | None = None) -> dict:
    """Edges and counts of the finite values."""
    counts, edges = np.histogram(finite(values), edges_around(values) if edges is None else edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def edges_around(values: pd.Series) -> np.ndarray:
    """Edges of equal bins around the finite values; some room around a single value, and from 0 to 1 without any."""
    known = finite(values)
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    room = 0.05 if high - low < NARROW else 0.0
    return np.linspace(low - room, high + room, BINS + 1)


def spread(values: pd.Series) -> dict:
    """Number, mean, standard deviation and quantiles of the finite values."""
    known = finite(values)
    places = {"min": 0, "q05": 0.05, "median": 0.5, "q95": 0.95, "max": 1}
    quantiles = {name: float(np.quantile(known, place)) if len(known) else None for name, place in places.items()}
    return {"n": len(known), "mean": mean(known), "std": known_number(pd.Series(known).std())} | quantiles


def finite(values: pd.Series) -> np.ndarray:
    known = np.asarray(values, float)
    return known[np.isfinite(known)]


def not_finite(values: pd.Series) -> int:
    return len(values) - len(finite(values))


def mean(values: pd.Series | np.ndarray) -> float | None:
    return known_number(pd.Series(finite(values)).mean())


def known_number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def counts_of(values: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().items()}
