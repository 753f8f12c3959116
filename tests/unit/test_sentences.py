import logging

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from sgid.miniature.grammar import WORDS
from sgid.miniature.sentences import SETTINGS, word_tokenizer
from sgid.sentences import load_writer, sample, sentences_about, write_sentences

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A tiny T5 with random weights, which says anything."""
    folder = tmp_path_factory.mktemp("t5")
    torch.manual_seed(0)
    T5ForConditionalGeneration(T5Config(vocab_size=len(word_tokenizer(folder)), **SETTINGS)).save_pretrained(folder)
    (folder / "model.json").write_text("{}")
    return folder / "model.json"


@pytest.fixture(scope="module")
def writer(record):
    return load_writer(record)


def written(writer, *names: str, count: int = 20, base_seed: int = 0, dataset: str = "shapes") -> dict[str, list[str]]:
    return write_sentences(writer, names, count=count, max_length=8, dataset=dataset, base_seed=base_seed)


def test_a_writer_is_read_from_the_folder_of_its_record(writer):
    model, tokenizer = writer
    assert not model.training
    assert tokenizer("a star").input_ids[-1] == tokenizer.eos_token_id


def test_every_class_has_as_many_sentences_as_wanted(writer):
    found = written(writer, "star", "moon", count=70)
    assert {name: len(texts) for name, texts in found.items()} == {"star": 70, "moon": 70}


def test_the_sentences_of_a_class_differ(writer):
    texts = written(writer, "star", count=100)["star"]
    assert len(set(texts)) == 100


def test_sentences_are_words_without_special_tokens_or_full_stops(writer):
    texts = written(writer, "star", count=100)["star"]
    assert {word for text in texts for word in text.split()} <= set(WORDS)
    assert not any(text.startswith((" ", ".")) or text.endswith((" ", ".")) for text in texts)


def test_nothing_said_is_no_sentence(writer):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [text for _ in range(10) for text in sample(writer, "a star", max_length=2)]
    assert drawn
    assert "" not in drawn


def test_the_same_seed_writes_the_same_sentences(writer):
    assert written(writer, "star") == written(writer, "star")


@pytest.mark.parametrize("change", [{"base_seed": 1}, {"dataset": "pets"}])
def test_another_seed_or_data_set_has_other_sentences(writer, change):
    assert written(writer, "star", **change) != written(writer, "star")


def test_a_class_has_its_sentences_whatever_stands_beside_it(writer):
    assert written(writer, "moon", "star")["star"] == written(writer, "star")["star"]


def test_writing_leaves_the_random_state_of_others_alone(writer):
    before = torch.get_rng_state()
    written(writer, "star")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_writer_that_repeats_itself_gives_fewer_sentences_and_says_so(writer, caplog):
    # One token after the start: at most as many sentences as there are words.
    with caplog.at_level(logging.WARNING):
        texts = sentences_about(writer, "star", count=500, max_length=2, seed=0)
    assert 0 < len(texts) <= len(WORDS)
    assert f"star: {len(texts)} different sentences of 500 wanted" in caplog.text
