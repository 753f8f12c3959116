"""The weighting modes worked out slowly, to hold the fast ones to.

Knows nothing of the package, nor of transformers' model: prompts are read character by character, and the text encoder
is worked out in NumPy, token by token, from its weights.
"""

import math
import re

import numpy as np
import tiny_models

LENGTH = 77
VOCABULARY = tiny_models.clip_tokenizer().get_vocab()


def slow_tokens(spans):
    """(token id, weight, number of its span) of each of the 77 places."""
    rows = []
    for number, (text, weight) in enumerate(spans):
        for word in re.findall(r"[a-z]+|[.,]", text.lower()):
            for place, character in enumerate(word):
                entry = character + ("</w>" if place == len(word) - 1 else "")
                rows.append((VOCABULARY[entry], weight, number))
    rows = [(VOCABULARY["<|startoftext|>"], 1.0, None), *rows]
    while len(rows) < LENGTH:
        rows.append((VOCABULARY["<|endoftext|>"], 1.0, None))
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
