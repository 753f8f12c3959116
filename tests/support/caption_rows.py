"""Small frames of captions, scores and prompts, as the stages before a caption report leave them."""

import json

import pandas as pd

from sgid.caption_statistics import caption_frame, image_frame
from sgid.guidance import guidance_scale

NAMES = {0: "tabby cat", 1: "dog"}


def score_rows(captions: dict[str, dict[str, list]], *, label_similarity: float = 0.25) -> pd.DataFrame:
    """Rows of the score shards, from image to sampler to (caption, cosine) pairs."""
    return pd.DataFrame(
        [
            {
                "image_id": image_id,
                "sampler": sampler,
                "captions": [text for text, _ in pairs],
                "similarities": [cosine for _, cosine in pairs],
                "label_similarity": label_similarity,
            }
            for image_id, samplers in captions.items()
            for sampler, pairs in samplers.items()
        ]
    )


def prompt_row(image_id: str, label: int = 0, caption: str = "a cat", **values: object) -> dict:
    """One row of the prompts table."""
    label_text, similarity = f"A picture of a {NAMES[label]}", values.get("similarity", 0.3)
    spans = [(label_text, 1.5), (", ", 1.0), (caption, 0.9), (".", 1.0)]
    row = {
        "image_id": image_id,
        "label": label,
        "label_text": label_text,
        "caption": caption,
        "sampler": "nucleus",
        "cosine": similarity,
        "similarity": similarity,
        "guidance": max(guidance_scale(similarity), 0.0),
        "guidance_clamped": guidance_scale(similarity) < 0,
        "prompt": "".join(text for text, _ in spans),
        "weights": json.dumps(spans),
        "prompt_flag": "",
    }
    return row | values


def frames(
    captions: dict[str, dict[str, list]],
    prompts: list[dict],
    *,
    truncated: list[bool] | None = None,
    label_similarity: float = 0.25,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two frames of `caption_statistics`: captions, images."""
    scores = score_rows(captions, label_similarity=label_similarity)
    images = image_frame(pd.DataFrame(prompts), scores, truncated or [False] * len(prompts))
    return caption_frame(scores, images, NAMES), images
