import threading
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slow_weighting import LENGTH, SLOW

from sgid.weighting import MODES, Weighting, embed_prompts, tokenise, weighted

ROOT = Path(__file__).parents[2]
LABEL, COMMA, CAPTION, STOP = "A picture of a cat", ", ", "a cat on a mat", "."
SPANS = [(LABEL, 1.5), (COMMA, 1.0), (CAPTION, 0.9), (STOP, 1.0)]
PLAIN = [(text, 1.0) for text, _ in SPANS]
TOKENIZER = tiny_models.clip_tokenizer()
READINGS = [*(Weighting(mode) for mode in MODES), Weighting("hidden", restore_mean=False)]
every_reading = pytest.mark.parametrize("weighting", READINGS, ids=lambda w: f"{w.mode}-{w.restore_mean}")
few_examples = settings(max_examples=8, deadline=None)
# Within these, a mean can be restored.
WEIGHTS = st.floats(0.5, 2)


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder()


def tiny_encoder():
    torch.manual_seed(0)
    return tiny_models.text_encoder(TOKENIZER)


def embed(prompts, encoder, weighting):
    return embed_prompts(prompts, encoder, tokenizer=TOKENIZER, weighting=weighting)[0]


def ids_of(*texts):
    return TOKENIZER(list(texts), padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids


def encoded(encoder, ids):
    with torch.inference_mode():
        return encoder(ids).last_hidden_state


@every_reading
@few_examples
@given(st.tuples(WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS))
@example((1.5, 1.0, 0.9, 1.0))
@example((1.0, 1.0, 1.0, 1.0))
@example((0.5, 1.0, 0.9, 1.0))
def test_each_mode_agrees_with_its_rule_worked_out_token_by_token(weighting, weights):
    encoder = tiny_encoder()
    spans = [(text, weight) for (text, _), weight in zip(SPANS, weights, strict=True)]
    slow = SLOW[weighting.mode](encoder, spans, weighting.restore_mean)
    np.testing.assert_allclose(embed([spans], encoder, weighting)[0], slow, atol=2e-5)


def test_the_modes_differ(encoder):
    results = [embed([SPANS], encoder, weighting) for weighting in READINGS]
    assert all((a - b).abs().max() > 1e-3 for i, a in enumerate(results) for b in results[:i])


@every_reading
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_of_one_leave_the_text_encoders_bits_as_they_are(weighting, dtype):
    encoder = tiny_encoder().to(dtype)
    embeddings = embed([PLAIN, [], [("dog", 1)]], encoder, weighting)
    assert torch.equal(embeddings, encoded(encoder, ids_of("A picture of a cat, a cat on a mat.", "", "dog")))
    assert embeddings.dtype == dtype


@every_reading
def test_prompts_of_weight_one_keep_their_bits_beside_weighted_ones(encoder, weighting):
    embeddings = embed([SPANS, PLAIN, []], encoder, weighting)
    plain = encoded(encoder, ids_of(*["A picture of a cat, a cat on a mat."] * 2, ""))
    assert torch.equal(embeddings[1:], plain[1:])
    assert not torch.equal(embeddings[0], plain[0])


@every_reading
def test_a_prompts_bits_do_not_depend_on_those_beside_it(encoder, weighting):
    light = [(text, 0.7) for text, _ in SPANS]
    beside = [[SPANS, other, other] for other in (PLAIN, light, [])]
    results = [embed(prompts, encoder, weighting)[0] for prompts in beside]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@every_reading
def test_a_batch_of_prompts_equals_the_prompts_one_by_one(encoder, weighting):
    prompts = [SPANS, [("a dog", 0.5), (".", 1.0)], [], [("x", 0.8), ("y", 0.6), ("z", 1.2)]]
    single = [embed([prompt], encoder, weighting) for prompt in prompts]
    torch.testing.assert_close(embed(prompts, encoder, weighting), torch.cat(single))


@every_reading
def test_spans_without_tokens_change_nothing(encoder, weighting):
    assert torch.equal(embed([[*SPANS, ("", 0.5)]], encoder, weighting), embed([SPANS], encoder, weighting))


def test_in_compel_a_span_of_weight_zero_is_as_good_as_unseen(encoder):
    spans = [("abc", 1.0), ("de", 0.0), ("f", 1.0)]
    ids, seen = tokenise(spans, TOKENIZER, length=LENGTH).ids[None], torch.ones(1, LENGTH, dtype=torch.long)
    seen[0, 4:6] = 0
    with torch.inference_mode():
        unseen = encoder(ids, attention_mask=seen).last_hidden_state
    outside = seen[0].bool()
    torch.testing.assert_close(
        embed([spans], encoder, Weighting("compel"))[0, outside], unseen[0, outside], atol=1e-4, rtol=0
    )


def test_in_compel_tokens_before_a_light_span_are_not_touched_by_it(encoder):
    light = embed([[("abc", 1.0), ("de", 0.5)]], encoder, Weighting("compel"))
    plain = embed([[("abc", 1.0), ("de", 1.0)]], encoder, Weighting("compel"))
    torch.testing.assert_close(light[:, :4], plain[:, :4])


def test_the_input_mode_leaves_no_trace_after_an_error(encoder, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of memory")

    before = encoded(encoder, ids_of(LABEL))
    with monkeypatch.context() as patch:
        patch.setattr(encoder.final_layer_norm, "forward", broken)
        with pytest.raises(RuntimeError, match="out of memory"):
            embed([SPANS], encoder, Weighting("input"))
    assert torch.equal(encoded(encoder, ids_of(LABEL)), before)


def test_the_input_mode_does_not_reach_into_other_threads(encoder):
    plain, other = encoded(encoder, ids_of(LABEL)), []
    thread = threading.Thread(target=lambda: other.append(encoded(encoder, ids_of(LABEL))))

    def meanwhile(*_):
        if threading.current_thread() is not thread:
            thread.start()
            thread.join()

    # Before the looking up, and so in the midst of the weighted call.
    with encoder.get_input_embeddings().register_forward_pre_hook(meanwhile):
        weighted_one = embed([SPANS], encoder, Weighting("input"))
    assert torch.equal(other[0], plain)
    assert torch.equal(weighted_one, embed([SPANS], encoder, Weighting("input")))


def test_embeddings_are_multiplied_by_the_weights_and_brought_back_to_their_mean():
    hidden, weights = torch.rand(2, 5, 3) + 1, torch.tensor([[1, 1.5, 1.5, 0.9, 1], [1, 1, 0.9, 0.9, 1]])
    result = weighted(hidden, weights, Weighting())
    torch.testing.assert_close(result.mean(dim=(1, 2)), hidden.mean(dim=(1, 2)))
    ratio = (result / hidden).mean(dim=-1)
    torch.testing.assert_close(ratio / ratio[:, :1], weights)


def test_a_mean_near_zero_is_refused_with_the_way_out():
    hidden = torch.tensor([[[1.0], [-1.0], [0.01]]])
    with pytest.raises(ValueError, match="restore_mean: false"):
        weighted(hidden, torch.tensor([[1.0, 1.5, 1.0]]), Weighting())


@pytest.mark.parametrize("mode", ["compel", "input"])
def test_restoring_the_mean_belongs_to_the_hidden_mode(encoder, mode):
    results = [embed([SPANS], encoder, Weighting(mode, restore_mean=restore)) for restore in (True, False)]
    assert torch.equal(*results)


def test_an_unknown_mode_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"weighting\.mode: 'loud' is not defined \(have: hidden, compel, input\)"):
        Weighting(mode="loud")


def test_the_configuration_knows_the_modes_there_are():
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))
    assert schema["properties"]["weighting"]["properties"]["mode"]["enum"] == list(MODES)
