"""Which tokens a prompt has, the weight of each, and what is cut where there are too many."""

import pytest
import tiny_models
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sgid.weighting import Weighting, cut, embed_prompts, tokenise

TOKENIZER = tiny_models.clip_tokenizer()
LENGTH, MARKS = 77, 2
SPANS = [("A picture of a cat", 1.5), (", ", 1.0), ("a cat on a mat", 0.9), (".", 1.0)]


def test_tokenising_span_by_span_gives_the_tokens_of_the_whole_prompt():
    whole = TOKENIZER("".join(text for text, _ in SPANS), padding="max_length", max_length=LENGTH).input_ids
    assert tokenise(SPANS, TOKENIZER, length=LENGTH).ids.tolist() == whole


def test_every_token_carries_the_weight_and_number_of_its_span_and_end_marks_and_padding_one():
    tokens = tokenise([("ab", 1.5), (",", 1.0), ("cde", 0.9), (".", 1.0)], TOKENIZER, length=12)
    assert tokens.weights.tolist() == pytest.approx([1, 1.5, 1.5, 1, 0.9, 0.9, 0.9, 1, 1, 1, 1, 1])
    assert tokens.spans.tolist() == [-1, 0, 0, 1, 2, 2, 2, 3, -1, -1, -1, -1]


def prompt_of_lengths(label, caption):
    """A letter is a token: label a, caption b."""
    return [("a" * label, 1.5), (",", 1.0), ("b" * caption, 0.9), (".", 1.0)]


def kept_of(spans):
    """How many tokens each span has left, and whether anything was cut."""
    tokens = tokenise(spans, TOKENIZER, length=LENGTH)
    return [tokens.spans.tolist().count(number) for number in range(len(spans))], tokens.truncated


@given(st.integers(0, 90), st.integers(0, 90))
@example(73, 1)
@example(74, 1)
@example(75, 1)
@example(76, 0)
@settings(deadline=None)
def test_the_label_is_whole_while_anything_else_has_tokens_to_give(label, caption):
    room, spans = LENGTH - MARKS, prompt_of_lengths(label, caption)
    kept, truncated = kept_of(spans)
    assert sum(kept) == min(room, label + 1 + caption + 1)
    assert truncated == (label + 1 + caption + 1 > room)
    assert kept[0] == min(label, room)
    if kept[0] < label or kept[1] < 1 or kept[3] < 1:
        assert kept[2] == 0
    if kept[0] < label:
        assert kept == [room, 0, 0, 0]


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 30))
def test_what_is_cut_is_cut_from_the_end_and_no_more_than_needed(lengths, room):
    pieces = [[(number, place) for place in range(length)] for number, length in enumerate(lengths)]
    kept = cut(pieces, room)
    assert sum(map(len, kept)) == min(room, sum(lengths))
    assert all(piece[: len(rest)] == rest for piece, rest in zip(pieces, kept, strict=True))


def test_a_prompt_that_is_too_long_loses_the_end_of_its_caption_and_says_so():
    tokens = tokenise([("abc", 1.5), (",", 1.0), ("d" * 90, 0.9), (".", 1.0)], TOKENIZER, length=LENGTH)
    text = TOKENIZER.decode(tokens.ids, skip_special_tokens=True).replace(" ", "")
    assert tokens.truncated
    assert text == "abc," + "d" * (75 - 5) + "."


def test_a_prompt_that_just_fits_is_not_cut():
    assert not tokenise([("a" * 75, 1.0)], TOKENIZER, length=LENGTH).truncated


@pytest.mark.parametrize("others", [[], [(".", 1.0)], [(",", 1.0), ("b", 0.9), (".", 1.0)]])
def test_a_label_that_does_not_fit_by_itself_is_cut_last_and_named_in_the_log(caplog, others):
    spans, encoder = [("a" * 80, 1.5), *others], tiny_models.text_encoder(TOKENIZER)
    embeddings, truncated = embed_prompts([spans], encoder, tokenizer=TOKENIZER, weighting=Weighting("compel"))
    assert embeddings.shape[:2] == (1, LENGTH)
    assert truncated == [True]
    assert kept_of(spans)[0] == [75, *(0 for _ in others)]
    assert f"{'a' * 80!r} has 80 tokens and loses its end: a prompt has 75" in caplog.messages


def test_nothing_is_logged_where_only_a_caption_is_cut(caplog):
    assert kept_of(prompt_of_lengths(10, 90)) == ([10, 1, 63, 1], True)
    assert [record for record in caplog.records if record.name == "sgid.weighting"] == []
