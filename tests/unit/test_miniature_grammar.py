import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizer, CLIPTokenizer

from sgid.miniature import world
from sgid.miniature.diffusion import prompt_templates
from sgid.miniature.grammar import (
    EXACT,
    LABEL,
    LOOSE,
    WORDS,
    Sentences,
    exact_caption,
    fields_said,
    true_of,
)
from sgid.miniature.sentences import word_tokenizer
from sgid.miniature.tokenizers import SD_CONTEXT, bert_tokenizer, clip_tokenizer, split, word_merges

TEMPLATES = (EXACT, *LOOSE, LABEL)
PICTURES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in world.FIELDS.items()})
SAID = st.builds(lambda template, words: template.format(**words), st.sampled_from(TEMPLATES), PICTURES)
WORDS_IN_BLIP = set(WORDS) - {"make", "the"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_tokenizer(tmp_path_factory.mktemp("clip"), SD_CONTEXT)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return bert_tokenizer(tmp_path_factory.mktemp("bert"))


def drawings(count: int = 40) -> world.Drawings:
    return world.draw(np.random.default_rng(3), count, target_share=0.0)


def matrix_of(pictures: world.Drawings) -> np.ndarray:
    return np.stack([pictures.fields[name] for name in world.FIELDS], 1)


def test_an_exact_caption_names_all_five_fields():
    words = {"shape": "cross", "scale": "small", "colour": "green", "pattern": "striped", "background": "cyan"}
    assert exact_caption(words) == "a small green cross on a striped cyan background"


@given(PICTURES)
def test_an_exact_caption_says_what_the_picture_shows(words):
    assert fields_said(exact_caption(words)) == words


@given(st.sampled_from(TEMPLATES), PICTURES)
def test_every_sentence_of_the_grammar_is_true_of_its_picture(template, words):
    said = fields_said(template.format(**words))
    assert said.items() <= words.items()
    assert said["shape"] == words["shape"]


def test_no_word_belongs_to_two_fields():
    words = [word for values in world.FIELDS.values() for word in values]
    assert len(words) == len(set(words))


def test_sentences_hold_every_distinct_text_once():
    sentences = Sentences(drawings(), TEMPLATES)
    assert len(sentences.texts) == len(set(sentences.texts)) == len(sentences.stated)


def test_sentences_find_what_each_template_says_of_each_drawing():
    pictures = drawings()
    sentences = Sentences(pictures, TEMPLATES)
    found = [[sentences.texts[index] for index in row] for row in sentences.index]
    assert found == [[template.format(**pictures.words(i)) for i in range(40)] for template in TEMPLATES]


def test_what_a_sentence_says_of_a_drawing_is_true_of_it():
    pictures = drawings()
    sentences = Sentences(pictures, TEMPLATES)
    truth = true_of(sentences.stated, matrix_of(pictures))
    assert truth[sentences.index, np.arange(40)].all()


def test_truth_is_that_nothing_said_is_wrong():
    pictures = drawings(60)
    sentences = Sentences(pictures, TEMPLATES)
    by_words = [[fields_said(text).items() <= pictures.words(i).items() for i in range(60)] for text in sentences.texts]
    assert np.array_equal(true_of(sentences.stated, matrix_of(pictures)), by_words)


def test_an_exact_caption_is_wrong_of_a_picture_that_differs_in_one_field():
    fields = np.zeros((1, 5), int)
    for column in range(5):
        other = fields.copy()
        other[0, column] = 1
        assert not true_of(other, fields).any()


def test_a_sentence_that_says_nothing_is_true_of_everything():
    assert true_of(np.full((1, 5), -1), matrix_of(drawings())).all()


@pytest.mark.parametrize("word", [word for word in WORDS if len(word) > 1])
def test_every_word_of_the_grammar_is_one_unit(word):
    assert split(word, word_merges(WORDS)) == [f"{word}</w>"]


@settings(max_examples=60, deadline=None)
@given(SAID)
def test_clip_reads_one_token_a_word(clip, text):
    assert len(clip(text).input_ids) == len(text.split()) + 2


@settings(max_examples=60, deadline=None)
@given(SAID)
def test_clip_says_what_it_has_read(clip, text):
    assert clip.decode(clip(text).input_ids, skip_special_tokens=True).strip() == text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_clip_spells_what_it_has_never_seen(clip, text):
    assert clip.decode(clip(text).input_ids, skip_special_tokens=True).replace(" ", "") == text.lower()


def test_every_prompt_of_the_pipeline_fits_its_context(clip):
    words = {"shape": "triangle", "scale": "small", "colour": "purple", "pattern": "striped", "background": "yellow"}
    longest = max(len(clip(template.format(**words)).input_ids) for template in prompt_templates())
    assert longest < SD_CONTEXT


@settings(max_examples=60, deadline=None)
@given(SAID)
def test_bert_reads_one_token_a_word_and_knows_them_all(bert, text):
    tokens = bert(text).input_ids
    assert len(tokens) == len(text.split()) + 2
    assert bert.unk_token_id not in tokens


@settings(max_examples=60, deadline=None)
@given(SAID)
def test_bert_says_what_it_has_read(bert, text):
    assert bert.decode(bert(text).input_ids, skip_special_tokens=True) == text


def test_bert_knows_no_other_word(bert):
    assert bert.unk_token_id in bert("a small elephant").input_ids


def test_clip_comes_back_from_its_folder(tmp_path):
    saved = clip_tokenizer(tmp_path, SD_CONTEXT)
    text = "a picture of a heart, unusual words too."
    for found in (CLIPTokenizer.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)):
        assert found(text).input_ids == saved(text).input_ids
        assert (found.model_max_length, found.pad_token_id) == (SD_CONTEXT, saved.pad_token_id)


def test_bert_comes_back_from_its_folder(tmp_path):
    saved = bert_tokenizer(tmp_path)
    found = BertTokenizer.from_pretrained(tmp_path)
    text = " ".join(sorted(WORDS_IN_BLIP))
    assert found(text).input_ids == saved(text).input_ids
    assert (found.bos_token, found.sep_token, found.pad_token_id) == ("[DEC]", "[SEP]", 0)


def test_the_word_tokenizer_of_t5_comes_back_from_its_folder(tmp_path):
    saved = word_tokenizer(tmp_path)
    found = AutoTokenizer.from_pretrained(tmp_path)
    text = "a small red circle"
    assert found(text).input_ids == saved(text).input_ids == [*saved.convert_tokens_to_ids(text.split()), 1]
    assert found.decode(found(text).input_ids, skip_special_tokens=True) == text
