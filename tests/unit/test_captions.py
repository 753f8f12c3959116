from dataclasses import replace

import pytest
import tiny_models
import torch

from sgid.captions import Captioning, captioning, load_captioner, tidy, write_captions
from sgid.image_table import pictures_of
from sgid.picking import PickByNumber

HOW = Captioning(count=4, batch_size=3)


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    return tiny_models.save_blip(tmp_path_factory.mktemp("blip"))


def captions(blip, images, sampler="nucleus", how=HOW, base_seed=0):
    table = write_captions(images, sampler=sampler, dataset="tiny", names={}, source=blip, how=how, base_seed=base_seed)
    return dict(zip(table["image_id"].to_pylist(), table["captions"].to_pylist(), strict=True))


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


def test_beam_captions_are_those_of_blips_own_generate(blip):
    images, captioner = tiny_models.picture_table(2), load_captioner(blip)
    inputs = captioner.processor(images=pictures_of(images), text=[HOW.prefix] * 2, return_tensors="pt")
    sequences = captioner.model.generate(
        pixel_values=inputs.pixel_values, input_ids=inputs.input_ids, attention_mask=inputs.attention_mask,
        num_beams=4, num_return_sequences=4, min_length=5, max_length=20, do_sample=False,
    )  # fmt: skip
    texts = captioner.processor.batch_decode(sequences, skip_special_tokens=True)
    expected = [tidy(text.removeprefix(HOW.prefix)) for text in texts]
    assert [text for group in captions(blip, images, "beam").values() for text in group] == expected


def test_lengths_count_the_prefix_and_the_start_mark(blip):
    found = captions(blip, tiny_models.picture_table(4), how=replace(HOW, max_length=6))
    assert max(len(text.split()) for texts in found.values() for text in texts) <= 6 - 4


def test_ten_captions_of_three_beams_widen_the_search_or_repeat_the_best(blip):
    assert Captioning().beams == 10
    repeated = captions(blip, tiny_models.picture_table(1), "beam", how=replace(HOW, beam_mode="repeat"))
    assert [len(set(texts)) for texts in repeated.values()] == [1]


def test_picked_tokens_follow_the_probabilities():
    numbers = (torch.arange(1000, dtype=torch.float64) + 0.5)[:, None] / 1000
    scores = torch.tensor([0.2, 0.0, 0.5, 0.3]).log().expand(1000, -1)
    picked = PickByNumber(numbers)(torch.empty(1000, 0), scores).argmax(dim=-1)
    assert picked.bincount(minlength=4).tolist() == [200, 0, 500, 300]


def test_full_stops_that_pad_a_caption_go():
    assert tidy("a small cat. . .") == "a small cat"


def test_written_captions_come_from_the_sentence_lists(tmp_path):
    (tmp_path / "lists.yaml").write_text("default: ['a {label} at night']\n")
    images = tiny_models.picture_table(2)
    table = write_captions(
        images, sampler="diverse", dataset="tiny", names={0: "cat", 1: "dog"}, source=tmp_path / "lists.yaml",
        how=HOW, base_seed=0,
    )  # fmt: skip
    assert table["captions"].to_pylist() == [["a cat at night"], ["a dog at night"]]


def test_captioning_is_read_from_the_options_of_each_sampler():
    entry = {
        "count": 10, "min_length": 5, "max_length": 20, "prefix": "a picture of ", "batch_size": 32,
        "nucleus": {"top_p": 0.8, "top_k": 50, "repetition_penalty": 1.1}, "beam": {"num_beams": 3, "mode": "widen"},
    }  # fmt: skip
    assert captioning(entry) == Captioning(top_p=0.8, batch_size=32)


def test_of_a_long_list_each_image_gets_its_own_part(tmp_path):
    (tmp_path / "lists.yaml").write_text(f"cat: {[f'{{label}} {i}' for i in range(50)]}\n")
    images = tiny_models.picture_table(4)
    shared = {
        "sampler": "sentences",
        "dataset": "tiny",
        "names": {0: "cat", 1: "cat"},
        "source": tmp_path / "lists.yaml",
    }
    whole = write_captions(images, **shared, how=HOW, base_seed=0)
    assert [len(set(texts)) for texts in whole["captions"].to_pylist()] == [4] * 4
    assert len({tuple(texts) for texts in whole["captions"].to_pylist()}) > 1
    assert whole.slice(2).equals(write_captions(images.slice(2), **shared, how=HOW, base_seed=0))
