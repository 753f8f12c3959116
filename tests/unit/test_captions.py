import itertools
import math
from dataclasses import replace

import pytest
import tiny_models
import torch

from sgid.captions import BEAM_MODES, Captioning, captioning, load_captioner, prefix_ids, tidy, write_captions
from sgid.image_table import image_rows, pictures_of
from sgid.picking import numbers_for
from sgid.seeding import seed_for

HOW = Captioning(count=4, batch_size=3)


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    return load_captioner(tiny_models.save_blip(tmp_path_factory.mktemp("blip")))


def captions(blip, images, sampler="nucleus", how=HOW, base_seed=0):
    table = write_captions(blip, images, dataset="tiny", how=how, base_seed=base_seed)[sampler]
    return dict(zip(table["image_id"].to_pylist(), table["captions"].to_pylist(), strict=True))


def of_library(blip, images, **options) -> list[str]:
    """What BLIP's own `generate` says, without any of ours."""
    inputs = blip.processor(images=pictures_of(images), text=[HOW.prefix] * len(images), return_tensors="pt")
    sequences = blip.model.generate(**inputs, min_length=5, max_length=20, **options)
    texts = blip.processor.batch_decode(sequences, skip_special_tokens=True)
    return [tidy(text.removeprefix(HOW.prefix)) for text in texts]


@pytest.mark.parametrize("sampler", ["nucleus", "beam"])
def test_every_image_gets_as_many_captions_as_were_asked_for(blip, sampler):
    found = captions(blip, tiny_models.picture_table(5), sampler)
    assert [len(texts) for texts in found.values()] == [4] * 5


def test_nucleus_captions_depend_neither_on_batch_nor_shard_nor_ambient_randomness(blip):
    images = tiny_models.picture_table(5)
    whole = captions(blip, images)
    torch.manual_seed(99)
    parts = captions(blip, images.slice(0, 2)) | captions(blip, images.slice(2), how=replace(HOW, batch_size=1))
    assert parts == whole


def test_nucleus_captions_of_another_seed_differ(blip):
    images = tiny_models.picture_table(2)
    assert captions(blip, images) != captions(blip, images, base_seed=1)


def test_nucleus_captions_of_one_image_vary(blip):
    found = captions(blip, tiny_models.picture_table(1), how=replace(HOW, count=10))
    assert len(set(found["train/000"])) > 3


def slow_nucleus(blip, image, how, seed) -> list[str]:
    """Nucleus sampling of one image token by token, each from the whole sequence, by the library's own decoder."""
    pixels = blip.processor.image_processor(pictures_of(image), return_tensors="pt").pixel_values
    states, end = blip.model.vision_model(pixels).last_hidden_state, blip.processor.tokenizer.sep_token_id
    texts = []
    for numbers in numbers_for(seed, how.count, how.max_length).tolist():
        ids = prefix_ids(blip, how)
        while len(ids) < how.max_length and ids[-1] != end:
            logits = blip.model.text_decoder(torch.tensor([ids]), encoder_hidden_states=states).logits[0, -1].tolist()
            for token in set(ids):
                logits[token] *= how.repetition_penalty ** (-1 if logits[token] > 0 else 1)
            allowed = [token for token in range(len(logits)) if token != end or len(ids) >= how.min_length]
            best = sorted(allowed, key=lambda token: -logits[token])[: how.top_k]
            ids.append(
                picked(nucleus_of([(token, math.exp(logits[token])) for token in best], how.top_p), numbers[len(ids)])
            )
        texts.append(tidy(blip.processor.decode(ids[len(prefix_ids(blip, how)) :], skip_special_tokens=True)))
    return texts


def nucleus_of(weighed: list[tuple[int, float]], top_p: float) -> list[tuple[int, float]]:
    """The fewest of the heaviest tokens that together have the share `top_p`."""
    total = sum(weight for _, weight in weighed)
    return [each for i, each in enumerate(weighed) if sum(weight for _, weight in weighed[:i]) < top_p * total]


def picked(weighed: list[tuple[int, float]], number: float) -> int:
    """The token at which the weights, added up in the order of tokens, pass the number's share of their sum."""
    tokens, weights = zip(*sorted(weighed), strict=True)
    return next(
        t for t, reached in zip(tokens, itertools.accumulate(weights), strict=True) if reached > number * sum(weights)
    )


@torch.inference_mode()
def test_nucleus_captions_are_those_of_a_slow_loop_over_tokens(blip):
    image, how = tiny_models.picture_table(1), replace(HOW, count=16, top_k=6, top_p=0.8, min_length=12)
    expected = slow_nucleus(blip, image, how, seed_for(0, "tiny", "train/000", "nucleus"))
    assert captions(blip, image, how=how) == {"train/000": expected}


def test_an_image_passes_the_vision_tower_once_for_both_samplers(blip, monkeypatch):
    seen = []
    forward = blip.model.vision_model.forward
    monkeypatch.setattr(
        blip.model.vision_model, "forward", lambda pixel_values: seen.append(len(pixel_values)) or forward(pixel_values)
    )
    captions(blip, tiny_models.picture_table(5))
    assert seen == [3, 2]


def test_beam_captions_are_those_of_blips_own_generate_image_by_image(blip):
    images = tiny_models.picture_table(5)
    expected = [of_library(blip, images.slice(i, 1), num_beams=4, num_return_sequences=4) for i in range(5)]
    assert list(captions(blip, images, "beam").values()) == expected


def test_the_best_of_repeated_beams_is_that_of_blips_own_generate(blip):
    images = tiny_models.picture_table(2)
    found = captions(blip, images, "beam", how=replace(HOW, beam_mode="repeat"))
    assert [texts[0] for texts in found.values()] == of_library(blip, images, num_beams=3)
    assert [len(set(texts)) for texts in found.values()] == [1, 1]
    assert [len(texts) for texts in found.values()] == [4, 4]


def test_the_best_beams_are_as_many_as_there_are_beams(blip):
    images = tiny_models.picture_table(2)
    found = captions(blip, images, "beam", how=replace(HOW, beam_mode="best"))
    assert [text for texts in found.values() for text in texts] == of_library(
        blip, images, num_beams=3, num_return_sequences=3
    )


def test_sampled_beams_depend_neither_on_batch_nor_shard_nor_ambient_randomness(blip):
    images, how = tiny_models.picture_table(3), replace(HOW, beam_mode="sample")
    whole = captions(blip, images, "beam", how=how)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    parts = captions(blip, images.slice(0, 1), "beam", how=how) | captions(blip, images.slice(1), "beam", how=how)
    assert parts == whole
    assert torch.equal(torch.get_rng_state(), state)
    assert {len(texts) for texts in whole.values()} == {4}


@pytest.mark.parametrize(("mode", "beams"), [("widen", 10), ("repeat", 3), ("best", 3), ("sample", 3)])
def test_the_table_says_how_many_beams_were_used_and_how_many_captions_differ(blip, mode, beams):
    tables = write_captions(
        blip, tiny_models.picture_table(1), dataset="tiny", how=Captioning(beam_mode=mode), base_seed=0
    )
    (beam,), (nucleus,) = tables["beam"].to_pylist(), tables["nucleus"].to_pylist()
    assert (beam["beams"], nucleus["beams"]) == (beams, 0)
    assert beam["distinct"] == len(set(beam["captions"]))
    assert nucleus["distinct"] == len(set(nucleus["captions"]))


def test_an_unknown_beam_mode_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"^captions\.beam\.mode: 'wide' is not defined \(have: widen, repeat, best, sam"
    ):
        Captioning(beam_mode="wide")


def test_lengths_count_the_prefix_and_the_start_mark(blip):
    found = captions(blip, tiny_models.picture_table(4), how=replace(HOW, max_length=6))
    assert max(len(text.split()) for texts in found.values() for text in texts) <= 6 - 4


def test_a_shard_without_images_has_no_captions(blip):
    tables = write_captions(blip, tiny_models.picture_table(1).slice(0, 0), dataset="tiny", how=HOW, base_seed=0)
    assert {sampler: len(table) for sampler, table in tables.items()} == {"beam": 0, "nucleus": 0}


def test_a_broken_image_is_named(blip):
    images = image_rows(["train/bad"], [b"nothing"], [0])
    with pytest.raises(ValueError, match=r"^train/bad: cannot be decoded"):
        captions(blip, images)


@pytest.mark.parametrize("mode", BEAM_MODES)
def test_captions_are_written_in_bfloat16_too(tmp_path, monkeypatch, mode):
    monkeypatch.setattr("sgid.captions.fast_dtype", lambda device: torch.bfloat16)
    blip = load_captioner(tiny_models.save_blip(tmp_path))
    assert blip.model.dtype is torch.bfloat16
    how = replace(HOW, beam_mode=mode)
    tables = write_captions(blip, tiny_models.picture_table(4), dataset="tiny", how=how, base_seed=0)
    for sampler, table in tables.items():
        count = 3 if (sampler, mode) == ("beam", "best") else HOW.count
        assert [sum(map(bool, texts)) for texts in table["captions"].to_pylist()] == [count] * 4


@pytest.mark.parametrize("mode", BEAM_MODES)
def test_no_image_is_without_a_different_caption(blip, mode):
    tables = write_captions(
        blip, tiny_models.picture_table(3), dataset="tiny", how=replace(HOW, beam_mode=mode), base_seed=0
    )
    for table in tables.values():
        assert all(1 <= row["distinct"] <= len(row["captions"]) for row in table.to_pylist())


def test_full_stops_that_pad_a_caption_go():
    assert tidy("a small cat. . .") == "a small cat"


def test_captioning_is_read_from_the_options_of_each_sampler():
    entry = {
        "count": 10, "min_length": 5, "max_length": 20, "prefix": "a picture of ", "batch_size": 32,
        "nucleus": {"top_p": 0.8, "top_k": 50, "repetition_penalty": 1.1}, "beam": {"num_beams": 3, "mode": "widen"},
    }  # fmt: skip
    assert captioning(entry) == Captioning(top_p=0.8, batch_size=32)
