import numpy as np
import pyarrow as pa
import pytest
import tiny_models
import torch

from sgid.consistency import grouped, measure_method, originals_of, perturbed, summarise
from sgid.similarity import load_clip

NAMES = {0: "cat", 1: "dog"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return load_clip(tiny_models.save_clip(tmp_path_factory.mktemp("clip")))


def measured(clip, online):
    return measure_method(
        clip, tiny_models.picture_table(4), images=[], choice=[], online=online, size=32, replicates=3, names=NAMES,
        base_seed=0,
    )  # fmt: skip


def test_unchanged_images_are_fully_consistent_and_not_diverse(clip):
    rows = measured(clip, {})
    assert rows["mean_cosine"].tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert rows["diversity"].tolist() == pytest.approx([0, 0, 0], abs=1e-5)


@pytest.mark.parametrize("online", [{"random_erasing": {"probability": 1.0}}, {"cutmix": {}}, {"randaugment": {}}])
def test_perturbations_lose_consistency_and_gain_diversity(clip, online):
    whole = measured(clip, online).set_index("class_name").loc["all"]
    assert whole["mean_cosine"] < 0.9999
    assert whole["diversity"] > 0
    assert (whole["originals"], whole["images_per_original"]) == (4, 3)


def test_erasing_fills_with_the_mean_colour():
    images = np.full((4, 32, 32, 3), 100, np.uint8)
    assert np.array_equal(perturbed(images, {"random_erasing": {"probability": 1.0}}, seed=0), images)


def test_classes_come_in_the_order_of_their_labels_and_all_comes_last():
    originals = torch.eye(4)
    rows = summarise(originals, originals[:, None], labels=[1, 0, 1, 0], names=NAMES)
    assert [(row["class_name"], row["originals"]) for row in rows] == [("cat", 2), ("dog", 2), ("all", 4)]


def test_the_interval_surrounds_the_mean():
    augmented = torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]]])
    row = summarise(torch.tensor([[1.0, 0.0]] * 2), augmented, labels=[0, 0], names=NAMES)[0]
    assert row["mean_cosine"] == pytest.approx(0.8)
    assert row["low"] < row["mean_cosine"] < row["high"]


def test_augmented_images_are_gathered_by_their_original():
    features = torch.arange(4.0)[:, None]
    assert grouped(features, ["b", "a", "a", "b"], order=["a", "b"]).squeeze(-1).tolist() == [[1, 2], [0, 3]]


def test_originals_with_unequal_numbers_of_images_are_refused():
    with pytest.raises(ValueError, match="between 1 and 2 augmented images"):
        grouped(torch.zeros(3, 1), ["a", "a", "b"], order=["a", "b"])


def test_only_originals_of_which_something_was_drawn_are_measured():
    generated = pa.table({"source_id": ["train/002", "train/002"]})
    assert originals_of(tiny_models.picture_table(4), generated)["image_id"].to_pylist() == ["train/002"]
