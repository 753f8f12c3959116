import pytest
import tiny_models
import torch

from sgid.weighting import Weighting, embed_prompts, tokenise, weighted

SPANS = [("A picture of a cat", 1.5), (", ", 1.0), ("a cat on a mat", 0.9), (".", 1.0)]
TOKENIZER = tiny_models.clip_tokenizer()


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return tiny_models.text_encoder(TOKENIZER)


def test_tokenising_span_by_span_gives_the_tokens_of_the_whole_prompt():
    whole = TOKENIZER("".join(text for text, _ in SPANS), padding="max_length", max_length=77).input_ids
    assert tokenise(SPANS, TOKENIZER, length=77).ids.tolist() == whole


def test_every_token_carries_the_weight_of_its_span_and_end_marks_and_padding_one():
    weights = tokenise([("ab", 1.5), (",", 1.0), ("cde", 0.9), (".", 1.0)], TOKENIZER, length=12).weights
    assert weights.tolist() == pytest.approx([1, 1.5, 1.5, 1, 0.9, 0.9, 0.9, 1, 1, 1, 1, 1])


def test_a_prompt_that_is_too_long_loses_the_end_of_its_caption_and_says_so():
    label, comma, stop = ("abc", 1.5), (",", 1.0), (".", 1.0)
    tokens = tokenise([label, comma, ("d" * 90, 0.9), stop], TOKENIZER, length=77)
    text = TOKENIZER.decode(tokens.ids, skip_special_tokens=True).replace(" ", "")
    assert tokens.truncated
    assert text == "abc," + "d" * (75 - 5) + "."


def test_a_prompt_that_just_fits_is_not_cut():
    assert not tokenise([("a" * 75, 1.0)], TOKENIZER, length=77).truncated


def test_embeddings_are_multiplied_by_the_weights_and_brought_back_to_their_mean():
    hidden, weights = torch.rand(2, 5, 3) + 1, torch.tensor([[1, 1.5, 1.5, 0.9, 1], [1, 1, 0.9, 0.9, 1]])
    result = weighted(hidden, weights, Weighting())
    torch.testing.assert_close(result.mean(dim=(1, 2)), hidden.mean(dim=(1, 2)))
    ratio = (result / hidden).mean(dim=-1)
    torch.testing.assert_close(ratio / ratio[:, :1], weights)


def test_without_restoring_embeddings_are_only_multiplied():
    hidden, weights = torch.rand(1, 3, 2), torch.tensor([[1, 1.5, 0.9]])
    torch.testing.assert_close(weighted(hidden, weights, Weighting(restore_mean=False)), hidden * weights[..., None])


def test_a_mean_near_zero_is_refused_with_the_way_out():
    hidden = torch.tensor([[[1.0], [-1.0], [0.01]]])
    with pytest.raises(ValueError, match="restore_mean: false"):
        weighted(hidden, torch.tensor([[1.0, 1.5, 1.0]]), Weighting())


def test_weights_of_one_leave_the_text_encoders_output_untouched(encoder):
    text = "A picture of a cat."
    embeddings, _ = embed_prompts([[(text, 1.0)]], encoder, tokenizer=TOKENIZER, weighting=Weighting())
    ids = TOKENIZER(text, padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.inference_mode():
        assert torch.equal(embeddings, encoder(ids).last_hidden_state)


def test_a_batch_of_prompts_equals_the_prompts_one_by_one(encoder):
    prompts = [SPANS, [("a dog", 1.5), (".", 1.0)], []]
    batch, _ = embed_prompts(prompts, encoder, tokenizer=TOKENIZER, weighting=Weighting())
    single = [embed_prompts([p], encoder, tokenizer=TOKENIZER, weighting=Weighting())[0] for p in prompts]
    torch.testing.assert_close(batch, torch.cat(single))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"weighting\.mode: 'compel'"):
        Weighting(mode="compel")
