"""Prompt embeddings with a weight per span of text (paper, section 4.2: label text x 1.50, caption x 0.90).

The paper multiplies "token embeddings"; the reading here is the one of diffusers' long-prompt-weighting pipeline, which
was there first and has the same wording: the text encoder's output of each token is multiplied by its weight, then
the whole matrix is scaled so that its mean is what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import CLIPTextModel, CLIPTokenizer

Spans = Sequence[tuple[str, float]]
MODES = ("hidden",)


@dataclass(frozen=True)
class Weighting:
    """`mode` says what is multiplied: `hidden`, the text encoder's output.

    `restore_mean` divides by the mean of the product, so it asks for an encoder whose outputs are not centred at zero,
    as Stable Diffusion's are not; without it the product is left alone.
    """

    mode: str = "hidden"
    restore_mean: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"weighting.mode: {self.mode!r} is not defined (have: {', '.join(MODES)})")


@dataclass(frozen=True)
class Tokens:
    """One prompt, padded: token ids (L,), a weight each (L,), and whether its caption had to be cut to fit."""

    ids: torch.Tensor
    weights: torch.Tensor
    truncated: bool


def length_limit(text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> int:
    """Tokens of a prompt with its two end marks: 77 for CLIP."""
    return min(tokenizer.model_max_length, text_encoder.config.max_position_embeddings)


def tokenise(spans: Spans, tokenizer: CLIPTokenizer, *, length: int) -> Tokens:
    """Tokenise each span by itself, so that no token straddles two weights; end marks and padding weigh 1."""
    pieces = [tokenizer(text, add_special_tokens=False).input_ids for text, _ in spans]
    kept = cut(pieces, length - 2)
    ids = [tokenizer.bos_token_id, *(token for piece in kept for token in piece), tokenizer.eos_token_id]
    weights = [1.0, *(weight for piece, (_, weight) in zip(kept, spans, strict=True) for _ in piece), 1.0]
    padding = length - len(ids)
    return Tokens(
        torch.tensor(ids + [tokenizer.pad_token_id] * padding),
        torch.tensor(weights + [1.0] * padding),
        truncated=kept != pieces,
    )


def cut(pieces: list[list[int]], room: int) -> list[list[int]]:
    """Shorten from the end of the caption, which is last but the full stop, so that the label text stays whole."""
    kept = list(pieces)
    for position in reversed(range(len(kept) - 1)):
        excess = sum(map(len, kept)) - room
        if excess <= 0:
            break
        kept[position] = kept[position][: max(len(kept[position]) - excess, 0)]
    return kept


def weighted(hidden: torch.Tensor, weights: torch.Tensor, weighting: Weighting) -> torch.Tensor:
    """Multiply (B, L, D) embeddings by (B, L) weights; rows whose weights are all 1 come back unchanged."""
    product = hidden * weights[..., None]
    if not weighting.restore_mean:
        return product
    factor = hidden.mean(dim=(1, 2)) / product.mean(dim=(1, 2))
    factor = torch.where((weights == 1).all(dim=1), torch.ones_like(factor), factor)
    if not bool(((factor > 0.25) & (factor < 4)).all()):
        raise ValueError(
            "the mean of the prompt embeddings is too close to zero to be restored "
            f"(factors {factor.min():.2f} to {factor.max():.2f}); set weighting.restore_mean: false for this encoder"
        )
    return product * factor[:, None, None]


@torch.inference_mode()
def embed_prompts(
    prompts: Sequence[Spans], text_encoder: CLIPTextModel, *, tokenizer: CLIPTokenizer, weighting: Weighting
) -> tuple[torch.Tensor, list[bool]]:
    """Weighted embeddings (B, L, D) in the text encoder's dtype, and which prompts were cut to fit the limit."""
    length = length_limit(text_encoder, tokenizer)
    tokens = [tokenise(spans, tokenizer, length=length) for spans in prompts]
    ids = torch.stack([t.ids for t in tokens]).to(text_encoder.device)
    hidden = text_encoder(ids).last_hidden_state
    weights = torch.stack([t.weights for t in tokens]).to(text_encoder.device)
    embeddings = weighted(hidden.float(), weights, weighting).to(hidden.dtype)
    return embeddings, [t.truncated for t in tokens]
