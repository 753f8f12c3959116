import math
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sgid.weighting import MODES, Weighting, cut, embed_prompts, tokenise, weighted

ROOT = Path(__file__).parents[2]
LABEL, COMMA, CAPTION, STOP = "A picture of a cat", ", ", "a cat on a mat", "."
SPANS = [(LABEL, 1.5), (COMMA, 1.0), (CAPTION, 0.9), (STOP, 1.0)]
PLAIN = [(text, 1.0) for text, _ in SPANS]
TOKENIZER = tiny_models.clip_tokenizer()
LENGTH, MARKS = 77, 2
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


# What follows knows nothing of the package, nor of transformers' model: prompts are read character by character, and
# the text encoder is worked out in NumPy, token by token, from its weights.


def slow_tokens(spans):
    """(token id, weight, number of its span) of each of the 77 places."""
    vocabulary, rows = TOKENIZER.get_vocab(), []
    for number, (text, weight) in enumerate(spans):
        for word in re.findall(r"[a-z]+|[.,]", text.lower()):
            for place, character in enumerate(word):
                entry = character + ("</w>" if place == len(word) - 1 else "")
                rows.append((vocabulary[entry], weight, number))
    rows = [(vocabulary["<|startoftext|>"], 1.0, None), *rows]
    while len(rows) < LENGTH:
        rows.append((vocabulary["<|endoftext|>"], 1.0, None))
    return rows


def slow_norm(x, scale, bias):
    return (x - x.mean()) / math.sqrt(x.var() + 1e-5) * scale + bias


def slow_attention(rows, w, layer, blocked):
    def linear(name, x):
        return w[f"{layer}.self_attn.{name}.weight"] @ x + w[f"{layer}.self_attn.{name}.bias"]

    queries, keys, values = ([linear(name, x) for x in rows] for name in ("q_proj", "k_proj", "v_proj"))
    half, answers = len(rows[0]) // 2, []
    for place in range(len(rows)):
        seen = [other for other in range(place + 1) if other not in blocked]
        answer = []
        for head in (slice(0, half), slice(half, None)):
            strengths = [math.exp(queries[place][head] @ keys[other][head] / math.sqrt(half)) for other in seen]
            parts = [s * values[other][head] for s, other in zip(strengths, seen, strict=True)]
            answer.append(sum(parts) / sum(strengths))
        answers.append(linear("out_proj", np.concatenate(answer)))
    return answers


def slow_encoder(encoder, ids, *, scales=None, blocked=()):
    """Outputs of a CLIP text encoder of two layers and two heads; `blocked`: places that nothing may look at."""
    w = {name.removeprefix("text_model."): t.double().numpy() for name, t in encoder.state_dict().items()}
    rows = []
    for place, token in enumerate(ids):
        scale = scales[place] if scales else 1.0
        looked_up = w["embeddings.token_embedding.weight"][token]
        rows.append(scale * looked_up + w["embeddings.position_embedding.weight"][place])
    for layer in ("encoder.layers.0", "encoder.layers.1"):

        def norm(name, x, layer=layer):
            return slow_norm(x, w[f"{layer}.{name}.weight"], w[f"{layer}.{name}.bias"])

        attended = slow_attention([norm("layer_norm1", x) for x in rows], w, layer, blocked)
        for place in range(len(rows)):
            x = rows[place] + attended[place]
            inner = w[f"{layer}.mlp.fc1.weight"] @ norm("layer_norm2", x) + w[f"{layer}.mlp.fc1.bias"]
            inner = inner / (1 + np.exp(-1.702 * inner))
            rows[place] = x + w[f"{layer}.mlp.fc2.weight"] @ inner + w[f"{layer}.mlp.fc2.bias"]
    return [slow_norm(x, w["final_layer_norm.weight"], w["final_layer_norm.bias"]) for x in rows]


def slow_hidden(encoder, spans, restore_mean):
    rows = slow_tokens(spans)
    outputs = slow_encoder(encoder, [token for token, _, _ in rows])
    products = [weight * output for output, (_, weight, _) in zip(outputs, rows, strict=True)]
    if not restore_mean:
        return np.array(products)
    before = sum(float(x) for output in outputs for x in output)
    after = sum(float(x) for product in products for x in product)
    return np.array([product * before / after for product in products])


def slow_input(encoder, spans, _):
    rows = slow_tokens(spans)
    return np.array(slow_encoder(encoder, [t for t, _, _ in rows], scales=[weight for _, weight, _ in rows]))


def slow_compel(encoder, spans, _):
    rows, ids_of_empty = slow_tokens(spans), [token for token, _, _ in slow_tokens([])]
    ids, empty = [token for token, _, _ in rows], slow_encoder(encoder, ids_of_empty)
    readings = [(1.0, slow_encoder(encoder, ids))]
    for number, (_, weight) in enumerate(spans):
        if weight < 1:
            blocked = {place for place in range(LENGTH) if rows[place][2] == number}
            share = math.sin((1 - weight) * math.pi / 2) / math.cos((1 - weight) * math.pi / 2)
            readings.append((share, slow_encoder(encoder, ids, blocked=blocked)))
    result = np.zeros((LENGTH, len(empty[0])))
    for share, outputs in readings:
        for place in range(LENGTH):
            moved = empty[place] + rows[place][1] * (outputs[place] - empty[place])
            result[place] += moved * share / sum(share for share, _ in readings)
    return result


SLOW = {"hidden": slow_hidden, "input": slow_input, "compel": slow_compel}


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


def test_tokenising_span_by_span_gives_the_tokens_of_the_whole_prompt():
    assert tokenise(SPANS, TOKENIZER, length=LENGTH).ids.tolist() == ids_of("".join(t for t, _ in SPANS))[0].tolist()


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
def test_a_label_that_does_not_fit_by_itself_is_cut_last_and_named_in_the_log(encoder, caplog, others):
    spans = [("a" * 80, 1.5), *others]
    embeddings, truncated = embed_prompts([spans], encoder, tokenizer=TOKENIZER, weighting=Weighting("compel"))
    assert embeddings.shape[:2] == (1, LENGTH)
    assert truncated == [True]
    assert kept_of(spans)[0] == [75, *(0 for _ in others)]
    assert f"{'a' * 80!r} has 80 tokens and loses its end: a prompt has 75" in caplog.messages


def test_nothing_is_logged_where_only_a_caption_is_cut(caplog):
    assert kept_of(prompt_of_lengths(10, 90)) == ([10, 1, 63, 1], True)
    assert [record for record in caplog.records if record.name == "sgid.weighting"] == []
