"""Prompt embeddings with a weight per span of text (paper, section 4.2: label text x 1.50, caption x 0.90).

The paper multiplies "token embeddings", and does not say which. Four readings, by name:

- `hidden`: the text encoder's output of each token is multiplied by its weight, then the whole matrix is scaled so that
  its mean is what it was. So does diffusers' long-prompt-weighting pipeline, which was there first and has the same
  wording. Without `restore_mean` it is only multiplied, the literal reading.
- `compel`: as the library of that name does, away from the empty prompt and towards one without the light spans (see
  `weigh_compel`).
- `input`: the vectors that the encoder looks up for its tokens are multiplied; positions are added after.

Where all weights of a prompt are 1, every mode returns the bits of the encoder called on the same batch.
"""

import logging
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

log = logging.getLogger(__name__)

Spans = Sequence[tuple[str, float]]
NO_SPAN = -1
# tan would be infinite for a weight of 0.
LEAST_WEIGHT = 1e-5


@dataclass(frozen=True)
class Weighting:
    """`mode`: what is multiplied, one of `MODES`. `restore_mean` belongs to `hidden`; no other mode looks at it.

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
    """One prompt, padded: token ids, a weight and the number of its span for each (L,); whether anything was cut."""

    ids: torch.Tensor
    weights: torch.Tensor
    spans: torch.Tensor
    truncated: bool


@dataclass(frozen=True)
class Prompts:
    """A batch on the encoder's device: `Tokens` as rows (B, L), and the token ids (1, L) of the empty prompt."""

    ids: torch.Tensor
    weights: torch.Tensor
    spans: torch.Tensor
    empty: torch.Tensor


def length_limit(encoder: CLIPTextConfig, tokenizer: CLIPTokenizer) -> int:
    """Tokens of a prompt with its two end marks: 77 for CLIP."""
    return min(tokenizer.model_max_length, encoder.max_position_embeddings)


def tokenise(spans: Spans, tokenizer: CLIPTokenizer, *, length: int) -> Tokens:
    """Tokenise each span by itself, so that no token straddles two weights; end marks and padding weigh 1."""
    pieces = [tokenizer(text, add_special_tokens=False).input_ids for text, _ in spans]
    kept = cut(pieces, length - 2)
    if kept and len(kept[0]) < len(pieces[0]):
        log.warning("%r has %d tokens and loses its end: a prompt has %d", spans[0][0], len(pieces[0]), length - 2)
    numbers = [number for number, piece in enumerate(kept) for _ in piece]
    padding = length - 2 - len(numbers)
    ids = [tokenizer.bos_token_id, *(token for piece in kept for token in piece), tokenizer.eos_token_id]
    return Tokens(
        torch.tensor(ids + [tokenizer.pad_token_id] * padding),
        torch.tensor([1.0, *(float(spans[number][1]) for number in numbers), 1.0] + [1.0] * padding),
        torch.tensor([NO_SPAN, *numbers, NO_SPAN] + [NO_SPAN] * padding),
        truncated=kept != pieces,
    )


def cut(pieces: list[list[int]], room: int) -> list[list[int]]:
    """Shorten to `room` tokens: from the end of the caption, which is last but the full stop, then comma and full stop.

    The first piece, the label text, stays whole while any other has tokens to give.
    """
    kept, last = list(pieces), len(pieces) - 1
    for position in sorted(range(len(kept)), key=lambda place: (place == 0, place == last, -place)):
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


def weigh_hidden(text_encoder: CLIPTextModel, prompts: Prompts, weighting: Weighting) -> torch.Tensor:
    """Mode `hidden`: the encoder's output, multiplied."""
    hidden = text_encoder(prompts.ids).last_hidden_state
    return weighted(hidden.float(), prompts.weights, weighting).to(hidden.dtype)


def weigh_input(text_encoder: CLIPTextModel, prompts: Prompts, _: Weighting) -> torch.Tensor:
    """Mode `input`: the token embeddings that go into the encoder, multiplied.

    transformers' CLIPTextModel takes no embeddings, so they are multiplied where they leave their table, by a hook
    that acts in this thread only and is gone after the call.
    """
    thread = threading.get_ident()

    def multiply(_module: torch.nn.Module, _args: tuple, looked_up: torch.Tensor) -> torch.Tensor:
        if threading.get_ident() != thread:
            return looked_up
        return (looked_up.float() * prompts.weights[..., None]).to(looked_up.dtype)

    with text_encoder.get_input_embeddings().register_forward_hook(multiply):
        return text_encoder(prompts.ids).last_hidden_state


def weigh_compel(text_encoder: CLIPTextModel, prompts: Prompts, _: Weighting) -> torch.Tensor:
    """Mode `compel`: away from the empty prompt, and blended with the prompt that lacks what weighs less than 1.

    What the library does since 1.0, masks being its default (versions 2.0.3 and 2.5.1 agree). Each token's output z
    becomes empty + w (z - empty), where empty is the output at the same place of the empty prompt; so it does for w
    below 1 too. Then, for each span with w below 1, the encoder reads the prompt again with that span hidden from its
    attention, end marks and padding in sight. What it says is weighed in the same way and joins the mean with
    tan((1 - w) pi / 2), 0.158 for 0.9, beside the 1 of the prompt itself.

    Different here: the caption gives way to the limit of tokens instead of what comes last; a span without tokens
    takes no part; a prompt whose weights are all 1 keeps its bits.
    """
    hidden = text_encoder(prompts.ids).last_hidden_state
    empty = text_encoder(prompts.empty).last_hidden_state.float()

    def away(output: torch.Tensor) -> torch.Tensor:
        return empty + prompts.weights[..., None] * (output.float() - empty)

    total, shares = away(hidden), torch.ones_like(prompts.weights[:, 0])
    for seen, share in with_spans_hidden(prompts):
        without = text_encoder(prompts.ids, attention_mask=seen).last_hidden_state
        total, shares = total + share[:, None, None] * away(without), shares + share
    blended = (total / shares[:, None, None]).to(hidden.dtype)
    return torch.where((prompts.weights == 1).all(dim=1)[:, None, None], hidden, blended)


def with_spans_hidden(prompts: Prompts) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Attention masks (B, L) that hide the first, second, ... span below 1 of every prompt, each with its share (B,).

    The batch keeps its shape, so that no prompt's bits depend on those beside it: a prompt with fewer such spans is
    read in full, with a share of 0.
    """
    spans, weights = prompts.spans.cpu(), prompts.weights.cpu()
    light = [row[weight < 1].unique().tolist() for row, weight in zip(spans, weights, strict=True)]
    for nth in range(max(map(len, light), default=0)):
        chosen = torch.tensor([found[nth] if nth < len(found) else NO_SPAN for found in light])
        unseen = (spans == chosen[:, None]) & (spans != NO_SPAN)
        weight = torch.where(unseen, weights, 1.0).amin(dim=1).clamp(min=LEAST_WEIGHT)
        share = torch.tan((1 - weight) * (math.pi / 2))
        yield (~unseen).long().to(prompts.ids.device), share.to(prompts.ids.device)


MODES = {"hidden": weigh_hidden, "compel": weigh_compel, "input": weigh_input}


@torch.inference_mode()
def embed_prompts(
    prompts: Sequence[Spans], text_encoder: CLIPTextModel, *, tokenizer: CLIPTokenizer, weighting: Weighting
) -> tuple[torch.Tensor, list[bool]]:
    """Weighted embeddings (B, L, D) in the text encoder's dtype, and which prompts were cut to fit the limit."""
    length = length_limit(text_encoder.config, tokenizer)
    tokens = [tokenise(spans, tokenizer, length=length) for spans in prompts]
    columns = ([t.ids for t in tokens], [t.weights for t in tokens], [t.spans for t in tokens])
    empty = [tokenise([], tokenizer, length=length).ids]
    batch = Prompts(*(torch.stack(column).to(text_encoder.device) for column in (*columns, empty)))
    return MODES[weighting.mode](text_encoder, batch, weighting), [t.truncated for t in tokens]
