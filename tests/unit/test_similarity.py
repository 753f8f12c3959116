import math

import pyarrow as pa
import pytest
import tiny_models
import torch

from sgid.caption_tables import caption_table
from sgid.image_table import image_rows, pictures_of
from sgid.matrix import Matrix
from sgid.similarity import (
    ENCODERS,
    SCORE_SCHEMA,
    consistency,
    diversity,
    load_blip_contrast,
    load_clip,
    rows_named,
    score_captions,
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return load_clip(tiny_models.save_clip(tmp_path_factory.mktemp("clip")), batch_size=2)


def test_features_have_unit_length(clip):
    features = [clip.encode_images(pictures_of(tiny_models.picture_table(3))), clip.encode_texts(["a cat", "a dog"])]
    torch.testing.assert_close(torch.cat(features).norm(dim=-1), torch.ones(5))


def test_texts_keep_their_order_and_repeats(clip):
    features = clip.encode_texts(["b", "a", "b"])
    assert torch.equal(features[0], features[2])
    torch.testing.assert_close(features[1:2], clip.encode_texts(["a"]))


def test_scores_are_the_cosines_of_caption_and_image_in_the_order_of_the_captions(clip):
    images = tiny_models.picture_table(3)
    captions = pa.table({"image_id": ["train/002", "train/001"], "captions": [["x"], ["x", "y"]], "sampler": ["b"] * 2})
    rows = score_captions(clip, images, captions, names={0: "cat", 1: "dog"}).to_pylist()
    image, texts = clip.encode_images(pictures_of(images.slice(1, 1))), clip.encode_texts(["x", "y"])
    assert rows[1]["similarities"] == pytest.approx((texts @ image[0]).tolist(), abs=1e-6)
    label = clip.encode_texts(["A picture of a dog"])
    assert rows[1]["label_similarity"] == pytest.approx((label @ image[0]).item(), abs=1e-6)


def test_short_and_long_texts_together_are_as_each_by_itself_in_the_librarys_own_encoder(clip):
    texts = ["x", "a cat", "a picture of a very long story about a cat", "a cat"]
    with torch.inference_mode():
        whole = torch.cat([clip.model.encode_text(clip.tokenizer([text])) for text in texts])
    expected = torch.nn.functional.normalize(whole, dim=-1)
    torch.testing.assert_close(clip.encode_texts(texts), expected)


def test_a_text_that_occurs_again_is_encoded_once(clip, monkeypatch):
    seen = []
    monkeypatch.setattr(type(clip), "encode_batch", lambda self, texts: seen.extend(texts) or torch.ones(len(texts), 4))
    clip.encode_texts(["b", "a", "b", "b"])
    assert sorted(seen) == ["a", "b"]


def test_scores_depend_neither_on_batch_nor_shard(clip, tmp_path):
    images = tiny_models.picture_table(5)
    captions = pa.table({"image_id": images["image_id"], "captions": [["x", "a cat"]] * 5, "sampler": ["b"] * 5})
    whole = score_captions(clip, images, captions, names={0: "cat", 1: "dog"}).to_pylist()
    parts = [
        row for start in range(5)
        for row in score_captions(clip, images, captions.slice(start, 1), names={0: "cat", 1: "dog"}).to_pylist()
    ]  # fmt: skip
    for one, other in zip(whole, parts, strict=True):
        assert one["similarities"] == pytest.approx(other["similarities"], abs=1e-6)


def test_an_empty_caption_is_scored_like_any_other(clip):
    images = tiny_models.picture_table(1)
    captions = pa.table({"image_id": images["image_id"], "captions": [["", "x"]], "sampler": ["b"]})
    (row,) = score_captions(clip, images, captions, names={0: "cat"}).to_pylist()
    assert all(-1 <= value <= 1 for value in row["similarities"])


def test_a_similarity_that_is_no_number_is_kept_for_all_to_see(clip, monkeypatch):
    monkeypatch.setattr(type(clip), "pixels", lambda self, pictures: torch.full((len(pictures), 3, 32, 32), torch.nan))
    images = tiny_models.picture_table(1)
    captions = pa.table({"image_id": images["image_id"], "captions": [["x"]], "sampler": ["b"]})
    (row,) = score_captions(clip, images, captions, names={0: "cat"}).to_pylist()
    assert [math.isnan(value) for value in row["similarities"]] == [True]


def test_a_broken_picture_is_named(clip):
    images = image_rows(["bad"], [b"nothing"], [0])
    captions = pa.table({"image_id": ["bad"], "captions": [["x"]], "sampler": ["b"]})
    with pytest.raises(ValueError, match=r"^bad: cannot be decoded"):
        score_captions(clip, images, captions, names={0: "cat"})


def test_pictures_are_not_copied_to_be_scored():
    # Arrow's `take` joins chunks, which it cannot beyond 2 GB: 4,000 pictures of 512 pixels.
    images = tiny_models.picture_table(3)
    found = rows_named(images, ["train/002", "train/000"])
    assert found["image_id"].to_pylist() == ["train/002", "train/000"]
    (data,) = (chunk.field("bytes").buffers()[2].address for chunk in images["image"].chunks)
    assert {chunk.field("bytes").buffers()[2].address for chunk in found["image"].chunks} == {data}


def test_captions_of_an_image_that_is_not_there_are_refused(clip):
    captions = pa.table({"image_id": ["gone"], "captions": [["x"]], "sampler": ["b"]})
    with pytest.raises(ValueError, match=r"^gone: captioned, and not among the images; run write_captions again"):
        score_captions(clip, tiny_models.picture_table(1), captions, names={0: "cat"})


def test_a_shard_without_images_has_no_scores(clip):
    captions = caption_table(tiny_models.picture_table(1).slice(0, 0)["image_id"], [], sampler="beam")
    found = score_captions(clip, tiny_models.picture_table(1), captions, names={0: "cat"})
    assert (len(found), found.schema) == (0, SCORE_SCHEMA)


@pytest.fixture(scope="module")
def blip_contrast(tmp_path_factory):
    return tiny_models.save_blip_retrieval(tmp_path_factory.mktemp("itm"))


def test_blips_contrastive_cosine_is_that_of_the_librarys_own_model(blip_contrast):
    encoder, images = load_blip_contrast(blip_contrast, batch_size=2), tiny_models.picture_table(3)
    texts = ["a small cat", "a red star", "a picture of a moon on a white circle"]
    inputs = encoder.processor(images=pictures_of(images), text=texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = encoder.model(**inputs, use_itm_head=False)[0]
    found = encoder.encode_images(pictures_of(images)) @ encoder.encode_texts(texts).T
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("save", "load"),
    [(tiny_models.save_clip, load_clip), (tiny_models.save_blip_retrieval, load_blip_contrast)],
    ids=["clip", "blip"],
)
def test_cosines_in_bfloat16_are_those_in_float32_up_to_its_rounding(save, load, tmp_path, monkeypatch):
    images, texts = tiny_models.picture_table(3), [["a red star", ""], ["a moon"], ["a picture of a white circle"]]
    captions, whole = caption_table(images["image_id"], texts, sampler="beam"), load(save(tmp_path))
    monkeypatch.setattr("sgid.similarity.fast_dtype", lambda device: torch.bfloat16)
    fast = load(tmp_path / tiny_models.RECORD)
    assert next(fast.model.parameters()).dtype is torch.bfloat16
    found, expected = (score_captions(e, images, captions, names={0: "cat", 1: "dog"}) for e in (fast, whole))
    for one, other in zip(found.to_pylist(), expected.to_pylist(), strict=True):
        assert one["similarities"] == pytest.approx(other["similarities"], abs=0.03)
        assert one["label_similarity"] == pytest.approx(other["label_similarity"], abs=0.03)


@pytest.mark.parametrize("mode", ["cosine", "softmax", "clipscore", "blip_itc"])
def test_every_reading_of_similarity_has_its_encoder(config, mode):
    config["similarity"]["mode"] = mode
    config["models"]["blip_itm"] = config["models"]["blip"]
    assert Matrix(config).scoring_model in ENCODERS


def test_consistency_is_one_for_unchanged_images():
    originals = torch.eye(3)
    torch.testing.assert_close(consistency(originals, originals[:, None].repeat(1, 4, 1)), torch.ones(3))


def test_consistency_averages_over_the_images_of_an_original():
    augmented = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert consistency(torch.tensor([[1.0, 0.0]]), augmented).tolist() == [0.5]


def test_diversity_compares_the_images_of_an_original_with_each_other():
    augmented = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    assert diversity(torch.tensor([[1.0, 0.0]]), augmented).item() == pytest.approx(1 - 1 / 3)


def test_diversity_of_one_image_is_its_distance_from_the_original():
    assert diversity(torch.tensor([[1.0, 0.0]]), torch.tensor([[[0.6, 0.8]]])).item() == pytest.approx(0.4)
