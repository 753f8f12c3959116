import base64
import io
import math

import pandas as pd
import pytest
import tiny_models
from caption_rows import NAMES, frames, prompt_row
from PIL import Image

from sgid.caption_samples import LARGEST, Sample, ranked, shown, spread_over_classes, take_samples
from sgid.image_table import encode, image_rows
from sgid.prompt_lengths import PromptTokenizer

TOKENIZER = PromptTokenizer(tiny_models.clip_tokenizer(), 77)
IMAGES = pd.DataFrame({"image_id": [f"{number:02}" for number in range(12)], "label": [0] * 9 + [1, 1, 2]})


def picture(width: int = 8, height: int = 8) -> bytes:
    return encode(Image.new("RGB", (width, height), "red"))


def one(captions: dict[str, list], *, label_similarity: float = 0.25, **prompt: object) -> Sample:
    """The only image of a report, with captions by sampler."""
    table = image_rows(["other", "x"], [b"not decoded", picture()], [1, 0])
    found = frames({"x": captions}, [prompt_row("x", **prompt)], label_similarity=label_similarity)
    return take_samples(["x"], *found, pictures=table, names=NAMES, tokenizer=TOKENIZER)[0]


def texts(sample: Sample) -> list[str]:
    return [each.text for each in sample.captions]


def test_every_class_has_its_turn_before_any_has_a_second():
    for count, labels in ((3, [0, 1, 2]), (5, [0, 0, 1, 1, 2]), (12, [0] * 9 + [1, 1, 2])):
        ids = spread_over_classes(IMAGES, count, seed=0)
        assert IMAGES.set_index("image_id").loc[ids, "label"].tolist() == labels


def test_a_data_set_smaller_than_the_sample_is_shown_whole():
    assert spread_over_classes(IMAGES, 100, seed=0) == IMAGES["image_id"].tolist()


def test_the_seed_decides_which_images_are_shown():
    drawn = {tuple(spread_over_classes(IMAGES, 3, seed=seed)) for seed in range(10)}
    assert len(drawn) > 1
    assert spread_over_classes(IMAGES, 3, seed=4) == spread_over_classes(IMAGES[::-1], 3, seed=4)


def test_captions_fall_by_cosine_and_unknown_ones_come_last():
    assert texts(one({"beam": [("low", -0.1), ("none", math.nan)], "nucleus": [("high", 0.4), ("b", math.nan)]})) == [
        "high", "low", "b", "none",
    ]  # fmt: skip


def test_a_text_that_occurs_again_is_shown_once_with_its_writers():
    (caption,) = one({"beam": [("a cat", 0.3)], "nucleus": [("a cat", 0.3)] * 3}).captions
    assert caption.counts == {"beam": 1, "nucleus": 3}


def test_the_chosen_caption_is_marked_once():
    sample = one({"beam": [("a dog", 0.4)], "nucleus": [("a cat", 0.3)] * 2}, caption="a cat")
    assert [each.chosen for each in sample.captions] == [False, True]


def test_a_caption_of_another_sampler_is_not_the_chosen_one():
    sample = one({"beam": [("a cat", 0.4)], "nucleus": [("a dog", 0.3)]}, caption="a cat", sampler="nucleus")
    assert [each.chosen for each in sample.captions] == [False, False]


def test_nothing_is_chosen_where_there_is_no_caption():
    sample = one({"beam": [("", 0.3)] * 2}, caption="", sampler="none", prompt_flag="no caption")
    assert [each.chosen for each in sample.captions] == [False]
    assert sample.flags == ["no caption: drawn from its label text", "all captions equal"]


def test_an_image_without_captions_is_shown_without():
    assert one({"beam": []}, prompt_flag="no caption").captions == []


@pytest.mark.parametrize(
    ("prompt", "flag"),
    [
        ({"prompt_flag": "no similarity"}, "no similarity: the label text's is used"),
        ({"prompt_flag": "no similarity", "similarity": 0.0}, "no similarity: 0 is used"),
        ({"similarity": 0.9}, "clamped: f(s*) is below 0"),
    ],
)
def test_what_is_odd_is_said(prompt, flag):
    assert one({"beam": [("a", 0.1), ("b", 0.1)]}, **prompt).flags == [flag]


def test_a_truncated_prompt_shows_what_is_lost():
    captions = {"x": {"beam": [("a", 0.1), ("b", 0.1)]}}
    found = frames(captions, [prompt_row("x", caption="c" * 90)], truncated=[True])
    table = image_rows(["x"], [picture()], [0])
    (sample,) = take_samples(["x"], *found, pictures=table, names=NAMES, tokenizer=TOKENIZER)
    assert sample.flags == ["truncated: the prompt has more than 77 tokens"]
    assert sample.spans[2].lost


def test_a_usual_image_has_no_flags():
    assert one({"beam": [("a cat", 0.3), ("b", 0.2)]}).flags == []


def test_only_the_pictures_of_the_sample_are_decoded():
    assert one({"beam": [("a cat", 0.3)]}).picture.width == 8


def decoded(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def test_a_tiny_picture_keeps_its_pixels():
    found = shown(picture(32, 32), "x")
    assert found.tiny
    assert found.address.startswith("data:image/png;base64,")
    assert decoded(found.address).size == (32, 32)


def test_a_large_picture_is_made_no_larger_than_the_page_needs():
    found = shown(picture(2000, 1000), "x")
    assert not found.tiny
    assert (found.width, found.height) == decoded(found.address).size == (LARGEST, LARGEST // 2)


def test_captions_of_no_image_rank_as_nothing():
    captions, images = frames({"x": {"beam": [("a", 0.1)]}}, [prompt_row("x")])
    assert ranked(captions.head(0), images.iloc[0]) == []
