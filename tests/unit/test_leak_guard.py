"""Captions, drawing and training can open train, the choice of a noise rate validation; test has one door."""

import ast
import re

import pytest
from PIL import Image
from test_layering import ENTRIES, MODULES, PACKAGE, RULES

from sgid.image_sets import read_images, rows_in
from sgid.image_table import encode, image_rows, read_table, read_tables, read_test_table, write_row_groups

DOOR = "read_test_table"
MAY_OPEN_TEST = {"train_classifier", "find_duplicates"}
READERS = {
    "table": read_table,
    "tables": lambda path: read_tables([path]),
    "images": lambda path: read_images([path]),
    "rows": lambda path: next(rows_in(path, "image_id", ["a"])),
}


@pytest.fixture
def write(tmp_path):
    def written(split: str, name: str):
        rows = image_rows(["a"], [encode(Image.new("RGB", (2, 2)))], [0])
        write_row_groups([rows], tmp_path / name, metadata={"dataset": "x", "split": split})
        return tmp_path / name

    return written


@pytest.mark.parametrize("reader", READERS)
def test_test_images_are_refused_whatever_their_path_is(write, reader):
    with pytest.raises(ValueError, match=r"train\.parquet: holds the test images, which only read_test_table opens"):
        READERS[reader](write("test", "train.parquet"))


def test_test_images_are_refused_when_only_their_labels_are_asked_for(write):
    with pytest.raises(ValueError, match="holds the test images"):
        read_table(write("test", "t.parquet"), ["label"])


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("reader", READERS)
def test_other_images_are_read(write, reader, split):
    assert len(READERS[reader](write(split, "t.parquet"))) == 1


def test_the_one_door_opens_test_images(write):
    assert len(read_test_table(write("test", "t.parquet"))) == 1


def names_in(path) -> set[str]:
    """Every name, attribute and import that a file spells."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom | ast.Import) for alias in node.names}
    return imported | {getattr(node, "id", None) or getattr(node, "attr", "") for node in nodes}


def test_only_evaluation_and_the_search_for_duplicates_use_the_door():
    assert {path.stem for path in [*ENTRIES, *MODULES] if DOOR in names_in(path)} == MAY_OPEN_TEST


def test_nothing_but_the_image_table_reads_parquet():
    spelt = {"read_parquet", "ParquetFile", "ParquetDataset", "pq", "pyarrow.parquet", "pyarrow.dataset", "duckdb"}
    readers = [path for path in [*ENTRIES, *MODULES] if spelt & names_in(path)]
    assert readers == [PACKAGE / "image_table.py"]


def rules_with(file: str) -> set[str]:
    """Rules of whose inputs `file` is one."""
    parts = {name: re.search(r"input:\n(.*?)\n    output:", body, re.DOTALL) for name, body in RULES.items()}
    return {name for name, part in parts.items() if part and f"/{file}.parquet" in part[1]}


def test_only_evaluation_and_the_search_for_duplicates_have_test_images_as_input():
    assert rules_with("test") == MAY_OPEN_TEST


def test_only_choices_filters_and_the_search_for_duplicates_have_validation_images_as_input():
    assert rules_with("validation") == {"train_candidate", "judge_images", "find_duplicates"}


def test_the_images_that_a_recipe_describes_and_redraws_are_train_images(config):
    from sgid.matrix import Matrix

    matrix = Matrix(config)
    read = {path for recipe in matrix.recipes for path in matrix.source_tables("pets", recipe)}
    assert {path for path in read if path.endswith(".parquet")} == {"results/datasets/pets/train.parquet"}


def test_runs_are_given_validation_images_only_where_these_decide_which_epoch_is_reported(config):
    from sgid.training_settings import validation_of

    assert validation_of(config, "pets", "sgid") == []
    config["methods"]["sgid"]["training"] = {"report": "best_on_validation"}
    assert validation_of(config, "pets", "sgid") == ["results/datasets/pets/validation.parquet"]
    assert validation_of(config, "pets", "backbone") == []
