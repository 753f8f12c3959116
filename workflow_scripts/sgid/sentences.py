"""Sentences about a class by a T5 fine-tuned on common_gen: the prompts of Text2Img (He et al. 2022, section 3.1).

As there, the keyword is "a <class name>" and sentences are sampled until enough different ones are found.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5ForConditionalGeneration

from sgid.seeding import seed_for

log = logging.getLogger(__name__)
ROUNDS, BATCH = 8, 64


def load_writer(
    record: str | Path, *, device: str = "cpu"
) -> tuple[T5ForConditionalGeneration, PreTrainedTokenizerBase]:
    """Model and tokenizer from the folder in which `record` (a model.json) lies."""
    folder = Path(record).parent
    model = T5ForConditionalGeneration.from_pretrained(folder, local_files_only=True).to(device).eval()
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def write_sentences(
    writer: tuple[T5ForConditionalGeneration, PreTrainedTokenizerBase],
    names: Sequence[str],
    *,
    count: int,
    max_length: int,
    dataset: str,
    base_seed: int,
) -> dict[str, list[str]]:
    """Up to `count` different sentences for each class name; fewer, with a warning, where T5 repeats itself."""
    return {
        name: sentences_about(writer, name, count=count, max_length=max_length, seed=seed_for(base_seed, dataset, name))
        for name in names
    }


def sentences_about(
    writer: tuple[T5ForConditionalGeneration, PreTrainedTokenizerBase],
    name: str,
    *,
    count: int,
    max_length: int,
    seed: int,
) -> list[str]:
    """Different sentences in the order of their drawing, from a random state that belongs to this class alone."""
    found: dict[str, None] = {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(ROUNDS * max(1, count // BATCH)):
            found.update(dict.fromkeys(sample(writer, f"a {name}", max_length=max_length)))
            if len(found) >= count:
                break
    if len(found) < count:
        log.warning("%s: %d different sentences of %d wanted", name, len(found), count)
    return list(found)[:count]


@torch.inference_mode()
def sample(
    writer: tuple[T5ForConditionalGeneration, PreTrainedTokenizerBase], keywords: str, *, max_length: int
) -> list[str]:
    """At most `BATCH` sentences of at most `max_length` tokens; empty ones are left out."""
    model, tokenizer = writer
    source = tokenizer([keywords], return_tensors="pt").to(model.device)
    tokens = model.generate(
        input_ids=source.input_ids,
        attention_mask=source.attention_mask,
        do_sample=True,
        top_k=50,
        num_return_sequences=BATCH,
        max_length=max_length,
    )
    texts = (text.strip(" .") for text in tokenizer.batch_decode(tokens, skip_special_tokens=True))
    return [text for text in texts if text]
