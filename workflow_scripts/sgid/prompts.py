"""From a class and its scored captions to one weighted prompt an image (paper, sections 3.2 and 4.2). Pure functions.

A prompt is a list of spans (text, weight) whose texts, put together, are the prompt. Label text and caption carry the
paper's weights 1.50 and 0.90; the comma between them and the final full stop carry 1, a reading the paper leaves open.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from sgid.caption_scores import similarities, similarity_alone
from sgid.guidance import Guidance, guidance_for
from sgid.seeding import seed_for

LABEL_TEXT = "A picture of a {label}"
FILTER = "filter"
PARTS = {"label and caption": ("label", "caption"), "label": ("label",), "caption": ("caption",), "none": ()}
Span = tuple[str, float]


@dataclass(frozen=True)
class PromptRecipe:
    """What a prompt is made of.

    `captions`: a sampler, of whose captions one is taken at random, or `filter`: of all samplers' captions the one
    that CLIP finds most similar to the image. `parts`: which of label text and caption the prompt holds (Table 3).
    `weighted: false` sets all weights to 1 (Table 4). Guidance follows the chosen caption even where the prompt does
    not show it.
    """

    captions: str = "nucleus"
    parts: str = "label and caption"
    weighted: bool = True
    label_weight: float = 1.5
    caption_weight: float = 0.9
    guidance: Guidance = field(default_factory=Guidance)

    def __post_init__(self) -> None:
        if self.parts not in PARTS:
            raise ValueError(f"parts: {self.parts!r} is not defined (have: {', '.join(PARTS)})")


@dataclass(frozen=True)
class Caption:
    """One candidate: its text, the sampler that made it, its cosine with the image, and what that means as s."""

    text: str
    sampler: str
    cosine: float
    similarity: float


def prompt_recipe(entry: Mapping) -> PromptRecipe:
    """The part of an image recipe of config/methods.yaml that concerns prompts."""
    known = {f.name for f in fields(PromptRecipe)}
    mine = {key: value for key, value in entry.items() if key in known}
    return PromptRecipe(**{**mine, "guidance": Guidance(**entry.get("guidance", {}))})


def readable(name: str) -> str:
    """A class name as people write it: underscores become spaces, question marks go."""
    return " ".join(name.replace("_", " ").replace("?", "").split())


def label_text(name: str) -> str:
    """Equation 1: "A picture of a [label]"; the article stays "a" before vowels too, as the paper has it."""
    return LABEL_TEXT.format(label=readable(name))


def written_captions(name: str, dataset: str, sentences: Mapping[str, Sequence[str]]) -> list[str]:
    """The sentences written for this class, else for this data set, else for all (`default`); `{label}` filled in."""
    for key in (name, dataset, "default"):
        if sentences.get(key):
            return [sentence.replace("{label}", readable(name)) for sentence in sentences[key]]
    raise ValueError(
        f"class {name!r} of {dataset} has no sentences; add {dataset!r} to the list of the caption sampler"
    )


def candidates_of(scores: Sequence[Mapping], samplers: str, mode: str = "cosine") -> list[Caption]:
    """The captions of one image that a recipe may choose from, in the order of the samplers' names; no empty ones."""
    found = [
        (text, row["sampler"], cosine)
        for row in sorted(scores, key=lambda row: row["sampler"])
        if samplers in (row["sampler"], FILTER)
        for text, cosine in zip(row["captions"], row["similarities"], strict=True)
        if text
    ]
    values = similarities(mode, [cosine for _, _, cosine in found])
    return [Caption(*candidate, value) for candidate, value in zip(found, values, strict=True)]


def choose(candidates: Sequence[Caption], strategy: str, *, seed: int) -> Caption:
    """One caption: the most similar (`filter`; ties go to the first), else a random one, repeats counting as often.

    A caption whose similarity is not a number is not chosen while there is another.
    """
    known = [caption for caption in candidates if math.isfinite(caption.similarity)] or list(candidates)
    if strategy == FILTER:
        return max(known, key=lambda caption: caption.cosine)
    return known[seed % len(known)]


def substituted(caption: Caption | None, label_cosine: float, mode: str) -> tuple[Caption, str]:
    """A caption that guidance can be computed from, and a flag: "", "no caption" or "no similarity".

    An image without a caption is drawn from its label text, with that text's own similarity; one whose similarities
    are not numbers takes the label text's. Where that is no number either, s is 0 and f(s) 1. Both are counted.
    """
    label_value = similarity_alone(mode, label_cosine)
    known = label_value if math.isfinite(label_value) else 0.0
    if caption is None:
        return Caption("", "none", label_cosine, known), "no caption"
    if not math.isfinite(caption.similarity):
        return replace(caption, similarity=known), "no similarity"
    return caption, ""


def spans_of(label: str, caption: str, recipe: PromptRecipe) -> list[Span]:
    """Spans of the prompt: the parts that the recipe names, joined by ", " and ended by "."; none for no parts.

    Where the caption is empty and was to be the whole prompt, the label text stands in for it.
    """
    texts = {"label": (label, recipe.label_weight), "caption": (caption, recipe.caption_weight)}
    parts = [part for part in PARTS[recipe.parts] if texts[part][0]]
    shown = [texts[part] for part in (parts or (("label",) if PARTS[recipe.parts] else ()))]
    joined = [span for part in shown for span in ((", ", 1.0), part)][1:]
    spans = joined + [(".", 1.0)] * bool(shown)
    return [(text, weight if recipe.weighted else 1.0) for text, weight in spans]


def prompt_of(spans: Sequence[Span]) -> str:
    """The text of a prompt, without its weights."""
    return "".join(text for text, _ in spans)


def prompt_row(image: Mapping, caption: Caption, *, name: str, recipe: PromptRecipe, flag: str = "") -> dict:
    """One row of the prompts table; `image` has image_id and label."""
    guidance, clamped = guidance_for(caption.similarity, recipe.guidance)
    spans = spans_of(label_text(name), caption.text, recipe)
    return {
        "image_id": image["image_id"],
        "label": image["label"],
        "label_text": label_text(name),
        "caption": caption.text,
        "sampler": caption.sampler,
        "cosine": caption.cosine,
        "similarity": caption.similarity,
        "guidance": guidance,
        "guidance_clamped": clamped,
        "prompt": prompt_of(spans),
        "weights": json.dumps(spans),
        "prompt_flag": flag,
    }


def build_prompts(
    images: Sequence[Mapping],
    scores: Sequence[Mapping],
    *,
    names: Mapping[int, str],
    dataset: str,
    recipe: PromptRecipe,
    base_seed: int,
    mode: str = "cosine",
) -> list[dict]:
    """Rows of the prompts table, one an image. `images`: image_id, label; `scores`: rows of the score shards.

    `mode`: the reading of similarity. Raises ValueError for an image that was never captioned; one whose captions are
    empty or whose similarities are not numbers gets a prompt and a flag.
    """
    scores_of: dict[str, list[Mapping]] = {image["image_id"]: [] for image in images}
    for row in scores:
        scores_of.setdefault(row["image_id"], []).append(row)
    rows = []
    for image in images:
        image_id = image["image_id"]
        if not any(recipe.captions in (row["sampler"], FILTER) for row in scores_of[image_id]):
            raise ValueError(f"{image_id}: no {recipe.captions} captions; run score_captions for {dataset} again")
        candidates = candidates_of(scores_of[image_id], recipe.captions, mode)
        seed = seed_for(base_seed, dataset, image_id, "caption")
        chosen = choose(candidates, recipe.captions, seed=seed) if candidates else None
        caption, flag = substituted(chosen, scores_of[image_id][0]["label_similarity"], mode)
        rows.append(prompt_row(image, caption, name=names[image["label"]], recipe=recipe, flag=flag))
    return rows


def counts_of(rows: Sequence[Mapping]) -> dict[str, int]:
    """How many prompts there are, and how many of them have each flag or a guidance that was raised to 0."""
    flags = Counter(row["prompt_flag"] for row in rows if row["prompt_flag"])
    return {"images": len(rows), "guidance clamped": sum(row["guidance_clamped"] for row in rows), **flags}
