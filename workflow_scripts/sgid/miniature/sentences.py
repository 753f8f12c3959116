"""Tiny T5 (transformers' T5ForConditionalGeneration): a class name in, sentences about it out, as common_gen does."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from sgid.miniature import world
from sgid.miniature.fit import Recipe, fit, write_record
from sgid.miniature.grammar import EXACT, LOOSE, WORDS
from sgid.sentences import load_writer, write_sentences

RECIPE = Recipe(steps=3000, batch=64, learning_rate=3e-3, seed=15)
SETTINGS = {
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 128,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "dropout_rate": 0.0,
    "decoder_start_token_id": 0,
}


def train_sentences(folder: Path, recipe: Recipe = RECIPE) -> None:
    """Train on "a <class>" to captions of the grammar, and save model and tokenizer to `folder`."""
    torch.manual_seed(recipe.seed)
    tokenizer = word_tokenizer(folder)
    model = T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer), **SETTINGS))
    keywords, sentences = examples(recipe)
    source = tokenizer(keywords, padding=True, return_tensors="pt").input_ids
    target = tokenizer(sentences, padding=True, return_tensors="pt").input_ids
    labels = target.masked_fill(target == tokenizer.pad_token_id, -100)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return model(input_ids=source[rows], labels=labels[rows]).loss

    history = fit(model.parameters(), loss_of, recipe)
    model.save_pretrained(folder)
    write_record(folder, recipe, SETTINGS, history, quality(folder, recipe))


def examples(recipe: Recipe) -> tuple[list[str], list[str]]:
    """`recipe.pool` pairs of keywords and a sentence; every sentence names its class and invents the rest."""
    rng = np.random.default_rng(recipe.seed)
    templates = (EXACT, *LOOSE)
    words = [{name: str(rng.choice(values)) for name, values in world.FIELDS.items()} for _ in range(recipe.pool)]
    sentences = [templates[rng.integers(len(templates))].format(**each) for each in words]
    return [f"a {each['shape']}" for each in words], sentences


def word_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """A word-level tokenizer with T5's special tokens (padding 0, end 1, unknown 2)."""
    special = ["<pad>", "</s>", "<unk>"]
    vocabulary = {word: index for index, word in enumerate([*special, *WORDS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **names)
    tokenizer.save_pretrained(folder)
    return tokenizer


def quality(folder: Path, recipe: Recipe = RECIPE) -> dict[str, float]:
    """Share of fifty sampled sentences a class that name their class."""
    writer = load_writer(folder / "model.json")
    options = {"count": 50, "max_length": 20, "dataset": "held out", "base_seed": recipe.seed}
    sentences = write_sentences(writer, world.SHAPES, **options)
    named = [shape in text.split() for shape, texts in sentences.items() for text in texts]
    return {"class_named": round(float(np.mean(named)), 3)}
