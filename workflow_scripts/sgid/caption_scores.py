"""From cosines to the similarity s* that guides an image, by the name of a reading (standard library only).

The paper's example has s* = 0.57, above what cosines of CLIP ViT-B/32 usually are, and says no more (facts, section
4.1); so its readings have names. All but the cosine itself are functions of the cosines of an image's candidates.
"""

import math
from collections.abc import Callable, Sequence

SOFTMAX_SCALE = 100.0  # CLIP's own logit scale
CLIPSCORE_FACTOR = 2.5  # Hessel et al. 2021


def softmax(cosines: Sequence[float]) -> list[float]:
    """Each candidate's share under CLIP's logits: the candidates of an image compete, as labels do in zero-shot use."""
    finite = [SOFTMAX_SCALE * cosine for cosine in cosines if math.isfinite(cosine)]
    top = max(finite, default=0.0)
    total = sum(math.exp(value - top) for value in finite)
    return [math.exp(SOFTMAX_SCALE * cosine - top) / total if math.isfinite(cosine) else cosine for cosine in cosines]


def clipscore(cosines: Sequence[float]) -> list[float]:
    """2.5 times the cosine, at least 0 (Hessel et al. 2021)."""
    return [CLIPSCORE_FACTOR * max(cosine, 0.0) if math.isfinite(cosine) else cosine for cosine in cosines]


# `blip_itc`: the cosine of BLIP's own contrastive space, found by another encoder and taken as it is.
SIMILARITIES: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "cosine": list,
    "softmax": softmax,
    "clipscore": clipscore,
    "blip_itc": list,
}


def similarities(mode: str, cosines: Sequence[float]) -> list[float]:
    """s of each candidate of one image under a reading; what is not finite stays so. Raises ValueError for no name."""
    if mode not in SIMILARITIES:
        raise ValueError(f"similarity.mode: {mode!r} is not defined (have: {', '.join(SIMILARITIES)})")
    return SIMILARITIES[mode](cosines)


def similarity_alone(mode: str, cosine: float) -> float:
    """s of a text without rivals: not a number under `softmax`, where its share is 1 whatever it says."""
    return math.nan if mode == "softmax" else similarities(mode, [cosine])[0]
