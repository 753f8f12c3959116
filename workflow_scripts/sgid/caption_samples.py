"""The images that a caption report shows, each with its captions in order of their cosines and with its prompt."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from sgid.image_table import TINY, decode, encode, encoded_of
from sgid.prompt_lengths import CutSpan, PromptTokenizer, cut_spans
from sgid.prompts import readable
from sgid.seeding import seed_for

LARGEST = 320  # side of a shown picture, twice what it takes on the page


@dataclass(frozen=True)
class RankedCaption:
    """One text of an image: how often each sampler wrote it, its cosine, and whether it is the chosen one."""

    text: str
    counts: dict[str, int]
    cosine: float
    chosen: bool


@dataclass(frozen=True)
class Picture:
    """A picture as the address that a page can hold; `tiny` asks for hard pixels."""

    address: str
    width: int
    height: int
    tiny: bool


@dataclass(frozen=True)
class Sample:
    """All that a report shows of one image. `spans`: of the prompt, with what the encoder does not read of them."""

    image_id: str
    name: str
    picture: Picture
    captions: list[RankedCaption]
    sampler: str
    label_text: str
    label_cosine: float
    spans: list[CutSpan]
    similarity: float
    guidance: float
    flags: list[str]


def spread_over_classes(images: pd.DataFrame, count: int, *, seed: int) -> list[str]:
    """Ids of `count` images: one of every class before a second of any, drawn by seed; in order of label and id."""
    draws = [seed_for(seed, "captions report", image_id) for image_id in images["image_id"]]
    drawn = images[["image_id", "label"]].assign(draw=draws).sort_values("draw")
    drawn = drawn.assign(turn=drawn.groupby("label").cumcount()).sort_values(["turn", "draw"])
    return drawn.head(count).sort_values(["label", "image_id"])["image_id"].tolist()


def take_samples(
    ids: Sequence[str],
    captions: pd.DataFrame,
    images: pd.DataFrame,
    *,
    pictures: pa.Table,
    names: Mapping[int, str],
    tokenizer: PromptTokenizer,
) -> list[Sample]:
    """`captions`, `images`: the frames of `caption_statistics`; `pictures`: an image table that has all `ids`."""
    rows = images.set_index("image_id").loc[ids]
    own = dict(list(captions[captions["image_id"].isin(ids)].groupby("image_id")))
    data = dict(encoded_of(pictures.filter(pc.is_in(pictures["image_id"], pa.array(ids, pa.string())))))
    return [
        sample(row, ranked(own.get(image_id, captions.head(0)), row), shown(data[image_id], image_id), names, tokenizer)
        for image_id, row in rows.iterrows()
    ]


def sample(
    row: pd.Series,
    captions: list[RankedCaption],
    picture: Picture,
    names: Mapping[int, str],
    tokenizer: PromptTokenizer,
) -> Sample:
    """One image of a report."""
    return Sample(
        image_id=row.name,
        name=readable(names[row["label"]]),
        picture=picture,
        captions=captions,
        sampler=row["sampler"],
        label_text=row["label_text"],
        label_cosine=row["label_cosine"],
        spans=cut_spans(json.loads(row["weights"]), tokenizer),
        similarity=row["similarity"],
        guidance=row["guidance"],
        flags=flags_of(row, captions, tokenizer.length),
    )


def ranked(captions: pd.DataFrame, row: pd.Series) -> list[RankedCaption]:
    """Each text once, by falling cosine; one whose cosine is not a number comes last."""
    known = captions["cosine"].map(math.isfinite)
    folded = [
        RankedCaption(
            text,
            {str(sampler): int(count) for sampler, count in group["sampler"].value_counts(sort=False).items()},
            group["cosine"].max(),
            chosen=bool(text) and text == row["caption"] and row["sampler"] in set(group["sampler"]),
        )
        for (text, _), group in captions.groupby(["caption", known], sort=False)
    ]
    return sorted(folded, key=lambda each: (-each.cosine if math.isfinite(each.cosine) else math.inf, each.text))


def flags_of(row: pd.Series, captions: list[RankedCaption], length: int) -> list[str]:
    """What is odd about an image, in words."""
    instead = "the label text's" if row["similarity"] else "0"
    holds = {
        "no caption: drawn from its label text": row["prompt_flag"] == "no caption",
        f"no similarity: {instead} is used": row["prompt_flag"] == "no similarity",
        f"truncated: the prompt has more than {length} tokens": row["truncated"],
        "clamped: f(s*) is below 0": row["guidance_clamped"],
        "all captions equal": len({each.text for each in captions}) == 1,
    }
    return [flag for flag, held in holds.items() if held]


def shown(data: bytes, name: str) -> Picture:
    """A picture no larger than the page needs: PNG where it is tiny, else JPEG."""
    picture = decode(data, name=name)
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    tiny = max(picture.size) <= TINY
    kind, encoding = ("png", "png") if tiny else ("jpeg", "jpeg95")
    text = base64.b64encode(encode(picture, encoding)).decode("ascii")
    return Picture(f"data:image/{kind};base64,{text}", *picture.size, tiny)
