import pyarrow as pa
import pytest
import tiny_models
import torch

from sgid.image_table import pictures_of
from sgid.similarity import consistency, diversity, load_clip, score_captions


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
