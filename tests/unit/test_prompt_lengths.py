import json

import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st

from sgid.prompt_lengths import CutSpan, PromptTokenizer, are_truncated, cut_spans, load_prompt_tokenizer
from sgid.weighting import tokenise

LENGTH = 20  # characters, as the tiny tokenizer has it, and two end marks
TOKENIZER = PromptTokenizer(tiny_models.clip_tokenizer(LENGTH), LENGTH)
LABEL = ("label", 1.5)  # five tokens
prompts = st.lists(st.tuples(st.text("ab ,.", max_size=14), st.sampled_from([1.5, 1.0, 0.9])), max_size=4)


@given(st.lists(prompts, max_size=3))
def test_a_prompt_is_truncated_where_drawing_truncates_it(several):
    drawn = [tokenise(spans, TOKENIZER.tokenizer, length=LENGTH).truncated for spans in several]
    assert are_truncated(several, TOKENIZER) == drawn


@given(prompts)
def test_what_is_kept_and_lost_is_the_prompt(spans):
    parted = cut_spans(spans, TOKENIZER)
    assert [(each.kept + each.lost, each.weight) for each in parted] == spans
    assert any(each.lost for each in parted) == are_truncated([spans], TOKENIZER)[0]


def test_the_caption_loses_its_end_and_the_label_nothing():
    assert cut_spans([LABEL, (", ", 1.0), ("abcdefghijklmno", 0.9), (".", 1.0)], TOKENIZER) == [
        CutSpan("label", "", 1.5),
        CutSpan(", ", "", 1.0),
        CutSpan("abcdefghijk", "lmno", 0.9),
        CutSpan(".", "", 1.0),
    ]


def test_a_caption_for_which_there_is_no_room_is_lost_whole():
    label = "l" * (LENGTH - 3)
    spans = [(label, 1.5), (", ", 1.0), ("abc", 0.9), (".", 1.0)]
    assert [each.kept for each in cut_spans(spans, TOKENIZER)] == [label, "", "", "."]


def test_a_prompt_of_no_parts_loses_nothing():
    assert (are_truncated([[]], TOKENIZER), cut_spans([], TOKENIZER)) == ([False], [])


@pytest.mark.parametrize(("tokenizer", "positions", "length"), [(77, 77, 77), (77, 32, 32), (20, 77, 20)])
def test_the_limit_is_the_shorter_of_tokenizer_and_encoder(tmp_path, tokenizer, positions, length):
    (tmp_path / "text_encoder").mkdir()
    (tmp_path / "text_encoder/config.json").write_text(
        json.dumps({"model_type": "clip_text_model", "max_position_embeddings": positions})
    )
    tiny_models.clip_tokenizer(tokenizer).save_pretrained(tmp_path / "tokenizer")
    assert load_prompt_tokenizer(tmp_path / "model.json").length == length
