import dataclasses
from collections import Counter

import numpy as np
import pytest

from sgid.datasets import SPLITS, class_table, loader, prepare
from sgid.image_table import pixels_of, write_table
from sgid.miniature import diffusion, world
from sgid.miniature.fit import draw_pool
from sgid.miniature.grammar import fields_said
from sgid.weights import fetch

SIZES = {"train": 120, "test": 480}


@pytest.fixture(scope="module")
def drawn():
    return prepare("drawn", [], sizes=SIZES, classes=8)


def pictures(table) -> set[bytes]:
    return {pixels.tobytes() for pixels in pixels_of(table, world.SIZE)}


def test_splits_have_the_sizes_of_the_registry(drawn):
    assert {split: len(drawn.splits[split]) for split in SPLITS} == {"train": 120, "validation": 120, "test": 480}


@pytest.mark.parametrize("split", SPLITS)
def test_classes_are_balanced(drawn, split):
    counts = Counter(drawn.splits[split]["label"].to_pylist())
    assert set(counts) == set(range(8))
    assert len(set(counts.values())) == 1


def test_ids_are_unique_across_all_splits(drawn):
    ids = [image_id for split in SPLITS for image_id in drawn.splits[split]["image_id"].to_pylist()]
    assert len(set(ids)) == len(ids) == 720


def test_an_id_says_split_and_class(drawn):
    table = drawn.splits["test"]
    named = [image_id.split("/")[1] for image_id in table["image_id"].to_pylist()]
    assert named == [world.SHAPES[label] for label in table["label"].to_pylist()]


def test_no_picture_occurs_twice_in_or_across_splits(drawn):
    assert len(set().union(*(pictures(drawn.splits[split]) for split in SPLITS))) == 720


def test_no_picture_of_the_experiment_is_in_the_corpus_of_a_tiny_model(drawn):
    recipe = dataclasses.replace(diffusion.RECIPE, pool=5000)
    corpus = {image.tobytes() for image in draw_pool(recipe).images}
    assert len(corpus) == recipe.pool
    assert all(pictures(drawn.splits[split]).isdisjoint(corpus) for split in SPLITS)


def test_a_drawn_data_set_is_the_same_each_time(drawn):
    again = prepare("drawn", [], sizes=SIZES, classes=8)
    assert all(again.splits[split].equals(drawn.splits[split]) for split in SPLITS)


def test_every_picture_has_its_exact_caption(drawn):
    table = drawn.splits["train"]
    said = [fields_said(text) for text in table["exact_caption"].to_pylist()]
    assert [each["shape"] for each in said] == [world.SHAPES[label] for label in table["label"].to_pylist()]
    assert {len(each) for each in said} == {5}


def test_pictures_are_in_target_style(drawn):
    # A clean picture has large areas of one value; a photographed one hardly has two equal neighbours in a row.
    equal = np.diff(pixels_of(drawn.splits["train"], 32).astype(int), axis=2) == 0
    assert equal.all(-1).mean() < 0.02


def test_a_split_can_be_written_as_an_image_table(drawn, tmp_path):
    write_table(drawn.splits["train"], tmp_path / "train.parquet")
    assert (tmp_path / "train.parquet").exists()


def test_classes_have_labels_names_and_readable_names(drawn):
    assert list(drawn.classes.columns) == ["label", "name", "prompt_name"]
    assert drawn.classes["name"].tolist() == list(world.SHAPES)
    assert drawn.classes["label"].tolist() == list(range(8))


def test_a_readable_name_has_spaces_for_underscores():
    assert class_table(["sea_horse"])["prompt_name"].tolist() == ["sea horse"]


def test_a_split_of_another_size_than_the_registry_says_is_refused():
    with pytest.raises(ValueError, match=r"^drawn: validation is 16 in the archives and 5 in the configuration"):
        prepare("drawn", [], sizes={"train": 16, "test": 8, "validation": 5}, classes=8)


def test_another_number_of_classes_than_the_registry_says_is_refused():
    with pytest.raises(ValueError, match=r"^drawn: classes is 8 .* 10 in the configuration \(datasets\.\*\.classes\)"):
        prepare("drawn", [], sizes={"train": 16, "test": 8}, classes=10)


def test_an_unknown_source_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^datasets\.\*\.source: no loader for 'cars' in this version \(have: drawn"):
        loader("cars")


def test_a_source_without_a_loader_is_refused_before_anything_is_read():
    with pytest.raises(ValueError, match="no loader for 'nothing'"):
        prepare("nothing", [], sizes=SIZES, classes=8)


def test_a_model_that_cannot_be_fetched_says_how_to_use_ones_own():
    with pytest.raises(ValueError, match=r"^models\.blip: downloading someone/blip .* under models\.blip\.folder$"):
        fetch("blip", {"id": "someone/blip", "revision": "main"}, "resources/models/blip/model.json")
