import io
import math

import numpy as np
import pyarrow as pa
import pytest
import tiny_models
import torch
from drawn_sets import drawn_row, with_pictures
from PIL import Image
from scipy import stats

from sgid.consistency import grouped, interval, measure_method, originals_of, perturbed, summarise
from sgid.image_sets import collect
from sgid.image_table import write_table
from sgid.runtime import write_json
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


def test_a_class_that_is_called_all_is_kept_apart_from_all_classes():
    originals = torch.eye(2)
    rows = summarise(originals, originals[:, None], labels=[0, 1], names={0: "all", 1: "dog"})
    assert [row["class_name"] for row in rows] == ["'all'", "dog", "all"]


def test_classes_of_one_name_have_a_row_each():
    originals = torch.eye(3)
    rows = summarise(originals, originals[:, None], labels=[0, 1, 1], names={0: "crane", 1: "crane"})
    assert [(row["class_name"], row["originals"]) for row in rows] == [("crane (0)", 1), ("crane (1)", 2), ("all", 3)]


def test_the_interval_surrounds_the_mean():
    augmented = torch.tensor([[[1.0, 0.0]], [[0.6, 0.8]]])
    row = summarise(torch.tensor([[1.0, 0.0]] * 2), augmented, labels=[0, 0], names=NAMES)[0]
    assert row["mean_cosine"] == pytest.approx(0.8)
    assert row["low"] < row["mean_cosine"] < row["high"]


def test_the_interval_is_that_of_students_t_over_originals():
    values = torch.tensor([0.5, 0.7, 0.9, 0.6])
    expected = stats.t.interval(0.95, 3, loc=0.675, scale=stats.sem(values.numpy()))
    assert interval(values, within=(-1, 1)) == pytest.approx(expected)


def test_an_interval_ends_where_a_cosine_does():
    assert interval(torch.tensor([0.5, 1.0]), within=(-1, 1))[1] == 1
    assert interval(torch.tensor([0.0, 0.5]), within=(0, 2))[0] == 0


def test_one_original_has_no_interval():
    assert all(map(math.isnan, interval(torch.tensor([0.5]), within=(-1, 1))))


def cosine(left, right) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True)) / math.sqrt(
        sum(a * a for a in left) * sum(b * b for b in right)
    )


def encoded_alone(clip, row: dict) -> list[float]:
    """The features of one picture, not normalised, by CLIP's own method, a batch of its own."""
    picture = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
    with torch.no_grad():
        return clip.model.encode_image(clip.preprocess(picture)[None])[0].tolist()


def five_of_each(originals: int) -> pa.Table:
    """Five random pictures that are said to be drawn from each original."""
    rows = [drawn_row(f"train/{i % originals:03d}", i % 2, replicate=i // originals) for i in range(5 * originals)]
    table, pictures = with_pictures(rows), tiny_models.picture_table(len(rows), seed=1)["image"]
    return table.set_column(table.column_names.index("image"), table.schema.field("image"), pictures)


def test_five_drawn_images_an_original_are_measured_as_by_a_slow_reading_of_the_paper(clip, tmp_path):
    originals, generated = tiny_models.picture_table(4), five_of_each(4)
    write_table(generated, tmp_path / "shard.parquet")
    write_json(collect([tmp_path / "shard.parquet"], dataset="d", recipe="r", miniature=True), tmp_path / "set.json")
    rows = measure_method(
        clip, originals, images=[tmp_path / "set.json"], choice=[], online={}, size=32, replicates=1, names=NAMES,
        base_seed=0,
    ).set_index("class_name")  # fmt: skip
    features = {row["image_id"]: encoded_alone(clip, row) for row in originals.to_pylist()}
    near, apart = {}, {}
    for row in originals.to_pylist():
        own = [encoded_alone(clip, other) for other in generated.to_pylist() if other["source_id"] == row["image_id"]]
        assert len(own) == 5
        near[row["image_id"]] = sum(cosine(features[row["image_id"]], each) for each in own) / 5
        apart[row["image_id"]] = 1 - sum(cosine(a, b) for i, a in enumerate(own) for b in own[:i]) / 10
    of_class = {"cat": ["train/000", "train/002"], "dog": ["train/001", "train/003"], "all": list(near)}
    for name, members in of_class.items():
        assert rows.loc[name, "mean_cosine"] == pytest.approx(sum(map(near.get, members)) / len(members), abs=1e-5)
        assert rows.loc[name, "diversity"] == pytest.approx(sum(map(apart.get, members)) / len(members), abs=1e-5)
        assert rows.loc[name, ["originals", "images_per_original"]].tolist() == [len(members), 5]


def test_augmented_images_are_gathered_by_their_original():
    features = torch.arange(4.0)[:, None]
    assert grouped(features, ["b", "a", "a", "b"], order=["a", "b"]).squeeze(-1).tolist() == [[1, 2], [0, 3]]


def test_originals_with_unequal_numbers_of_images_are_refused():
    with pytest.raises(ValueError, match="between 1 and 2 augmented images"):
        grouped(torch.zeros(3, 1), ["a", "a", "b"], order=["a", "b"])


def test_only_originals_of_which_something_was_drawn_are_measured():
    generated = pa.table({"source_id": ["train/002", "train/002"]})
    assert originals_of(tiny_models.picture_table(4), generated)["image_id"].to_pylist() == ["train/002"]
