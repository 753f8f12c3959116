"""Which prompts exceed the tokens that Stable Diffusion's text encoder reads, and what they lose; tokenizer only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import CLIPTextConfig, CLIPTokenizer

from sgid.weighting import Spans, cut, length_limit


@dataclass(frozen=True)
class PromptTokenizer:
    """A tokenizer, and the tokens of a prompt with its two end marks: 77 for CLIP."""

    tokenizer: CLIPTokenizer
    length: int

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, without marks."""
        return self.tokenizer(texts, add_special_tokens=False, verbose=False).input_ids if texts else []


@dataclass(frozen=True)
class CutSpan:
    """One span of a prompt: what the encoder reads of it, what is cut off, and its weight."""

    kept: str
    lost: str
    weight: float


def load_prompt_tokenizer(record: str | Path) -> PromptTokenizer:
    """From the folder of a file, its model.json, which holds a Stable Diffusion in diffusers' layout; no weights."""
    folder = Path(record).parent
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = CLIPTextConfig.from_pretrained(folder / "text_encoder", local_files_only=True)
    return PromptTokenizer(tokenizer, length_limit(encoder, tokenizer))


def are_truncated(prompts: Sequence[Spans], tokenizer: PromptTokenizer) -> list[bool]:
    """Whether each prompt loses tokens, by the same rule as drawing; a text that occurs again is tokenised once."""
    texts = list(dict.fromkeys(text for spans in prompts for text, _ in spans))
    ids = dict(zip(texts, tokenizer.ids(texts), strict=True))
    pieces = [[ids[text] for text, _ in spans] for spans in prompts]
    return [cut(each, tokenizer.length - 2) != each for each in pieces]


def cut_spans(spans: Spans, tokenizer: PromptTokenizer) -> list[CutSpan]:
    """Each span parted where its last token ends that the encoder still reads."""
    encoded = [
        tokenizer.tokenizer(text, add_special_tokens=False, verbose=False, return_offsets_mapping=True)
        for text, _ in spans
    ]
    kept = cut([each.input_ids for each in encoded], tokenizer.length - 2)
    return [
        cut_span(text, weight, each.offset_mapping, tokens=len(ids))
        for (text, weight), each, ids in zip(spans, encoded, kept, strict=True)
    ]


def cut_span(text: str, weight: float, offsets: Sequence[tuple[int, int]], *, tokens: int) -> CutSpan:
    """`offsets`: where each token of the text starts and ends; `tokens`: how many are kept."""
    if tokens == len(offsets):
        return CutSpan(text, "", weight)
    end = offsets[tokens - 1][1] if tokens else 0
    return CutSpan(text[:end], text[end:], weight)
