import dataclasses
from collections import Counter

import numpy as np
import pytest

from sgid.datasets import SPLITS, Request, loader, prepare
from sgid.datasets.naming import check_prompt_names, class_table, preview
from sgid.image_table import pixels_of, read_metadata
from sgid.miniature import diffusion, world
from sgid.miniature.fit import draw_pool
from sgid.miniature.grammar import fields_said

SIZES = {"train": 120, "test": 480}
ENTRY = {"source": "drawn", "validation": "official", "broken": "stop", "classes": 8}


def drawn_set(folder, sizes, **changes):
    entry = ENTRY | sizes | changes
    return prepare("shapes", entry, Request(sizes=sizes), workspace=folder)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return drawn_set(tmp_path_factory.mktemp("drawn"), SIZES)


@pytest.fixture(scope="module")
def drawn(prepared):
    return {split: prepared.table(split) for split in SPLITS}


def pictures(table) -> set[bytes]:
    return {pixels.tobytes() for pixels in pixels_of(table, world.SIZE)}


def test_splits_have_the_sizes_of_the_registry(drawn):
    assert {split: len(drawn[split]) for split in SPLITS} == {"train": 120, "validation": 120, "test": 480}


@pytest.mark.parametrize("split", SPLITS)
def test_classes_are_balanced(drawn, split):
    counts = Counter(drawn[split]["label"].to_pylist())
    assert set(counts) == set(range(8))
    assert len(set(counts.values())) == 1


def test_ids_are_unique_across_all_splits(drawn):
    ids = [image_id for split in SPLITS for image_id in drawn[split]["image_id"].to_pylist()]
    assert len(set(ids)) == len(ids) == 720


def test_an_id_says_split_and_class(drawn):
    table = drawn["test"]
    named = [image_id.split("/")[1] for image_id in table["image_id"].to_pylist()]
    assert named == [world.SHAPES[label] for label in table["label"].to_pylist()]


def test_no_picture_occurs_twice_in_or_across_splits(drawn):
    assert len(set().union(*(pictures(drawn[split]) for split in SPLITS))) == 720


def test_no_picture_of_the_experiment_is_in_the_corpus_of_a_tiny_model(drawn):
    recipe = dataclasses.replace(diffusion.RECIPE, pool=5000)
    corpus = {image.tobytes() for image in draw_pool(recipe).images}
    assert len(corpus) == recipe.pool
    assert all(pictures(drawn[split]).isdisjoint(corpus) for split in SPLITS)


def test_a_drawn_data_set_is_the_same_each_time(drawn, tmp_path):
    again = drawn_set(tmp_path, SIZES)
    assert all(again.table(split).equals(drawn[split]) for split in SPLITS)


def test_every_picture_has_its_exact_caption(drawn):
    table = drawn["train"]
    said = [fields_said(text) for text in table["exact_caption"].to_pylist()]
    assert [each["shape"] for each in said] == [world.SHAPES[label] for label in table["label"].to_pylist()]
    assert {len(each) for each in said} == {5}


def test_pictures_are_in_target_style(drawn):
    # A clean picture has large areas of one value; a photographed one hardly has two equal neighbours in a row.
    equal = np.diff(pixels_of(drawn["train"], 32).astype(int), axis=2) == 0
    assert equal.all(-1).mean() < 0.02


def test_a_split_is_written_with_its_name(prepared, tmp_path):
    prepared.write("train", tmp_path / "train.parquet")
    assert read_metadata(tmp_path / "train.parquet") == {"dataset": "shapes", "split": "train"}


def test_classes_have_labels_names_and_readable_names(prepared):
    classes = class_table(prepared.names)
    assert list(classes.columns) == ["label", "name", "prompt_name"]
    assert classes["name"].tolist() == prepared.labels["name"].tolist() == list(world.SHAPES)
    assert classes["label"].tolist() == list(range(8))


def test_a_readable_name_has_spaces_for_underscores():
    assert class_table(["sea_horse"])["prompt_name"].tolist() == ["sea horse"]


def test_a_prompt_name_of_ones_own_comes_before_the_readable_one():
    assert class_table(["n01", "sea_horse"], {"n01": "tabby cat"})["prompt_name"].tolist() == ["tabby cat", "sea horse"]


def test_a_class_without_a_readable_name_is_refused():
    with pytest.raises(ValueError, match=r"^class '__' has no readable name; give it one under `prompt_names`$"):
        class_table(["cat", "__"])


def test_a_prompt_name_of_no_class_of_a_folder_is_refused_with_the_classes_that_there_are():
    entry = {"source": "folder", "prompt_names": {"cat": "tabby", "brd": "bird"}}
    message = r"^datasets\.mine\.prompt_names: 'brd' is not defined \(did you mean 'bird'\? have: bird, cat\)$"
    with pytest.raises(ValueError, match=message):
        check_prompt_names("mine", entry, ["bird", "cat"])


def test_prompt_names_of_a_folder_may_be_numbers_and_need_not_be_there():
    check_prompt_names("mine", {"source": "folder", "prompt_names": {0: "zero"}}, ["0", "1"])
    check_prompt_names("mine", {"source": "folder"}, ["0", "1"])


def test_the_registry_may_name_a_class_that_the_split_leaves_out():
    check_prompt_names("caltech101", {"source": "caltech101", "prompt_names": {"Faces_easy": "face"}}, ["Faces"])


def preview_of(classes, index, prompt_names=None, *, left_out=0) -> str:
    return preview("shapes", classes, index=index, left_out=left_out, prompt_names=prompt_names or {})


def test_a_preview_shows_counts_prompts_and_what_looks_odd(prepared):
    names = {"star": "circle", "cube": "dice"}
    text = preview_of(class_table(prepared.names, names), prepared.index, names)
    assert "| 0 | circle | 15 | 15 | 60 | A picture of a circle |" in text
    assert "**Classes with equal names in prompts: circle, star.**" in text
    assert "**`prompt_names` of no class here: cube.**" in text
    assert "no train image" not in text


def test_a_preview_names_classes_that_are_tested_and_never_trained_on(prepared):
    index = prepared.index[~((prepared.index["split"] == "train") & (prepared.index["label"] == 2))]
    text = preview_of(class_table(prepared.names), index)
    assert f"**Classes that are tested and have no train image: {prepared.names[2]}.**" in text


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_preview_names_classes_that_a_split_lacks_and_says_nothing_of_a_split_that_is_not_there(prepared, split):
    index, sentence = prepared.index, f"**Classes that are trained and have no {split} image: {prepared.names[2]}.**"
    lacking = index[~((index["split"] == split) & (index["label"] == 2))]
    assert sentence in preview_of(class_table(prepared.names), lacking)
    assert "are trained and have no" not in preview_of(class_table(prepared.names), index[index["split"] != split])


@pytest.mark.parametrize(("left_out", "said"), [(1, "1 file was left out"), (1200, "1,200 files were left out")])
def test_a_preview_leads_to_what_was_left_out(prepared, left_out, said):
    classes = class_table(prepared.names)
    assert f"**{said}: left_out.csv, " in preview_of(classes, prepared.index, left_out=left_out)
    assert "left_out.csv" not in preview_of(classes, prepared.index)


def test_a_split_of_another_size_than_the_registry_says_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"^shapes: test is 8 in the source .* and 5 in the configuration \(datasets\.shapes\.test"
    ):
        drawn_set(tmp_path, {"train": 16, "test": 8}, test=5)


def test_another_number_of_classes_than_the_registry_says_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^shapes: classes is 8 .* 10 in the configuration \(datasets\.shapes\.clas"):
        drawn_set(tmp_path, {"train": 16, "test": 8}, classes=10)


def test_an_unknown_source_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"^datasets\.\*\.source: no loader for 'nothing' \(have: cifar10, cifar100"):
        loader("nothing")
