"""The set of a filtered recipe: the shards of another set, less what a reject list names, for every reader."""

import logging

import pyarrow as pa
import pytest
from drawn_sets import drawn_row, with_pictures, write_set

from sgid.composition import compose_training_set
from sgid.exports import Export
from sgid.image_pages import fingerprint
from sgid.image_samples import facts_of, rows_of
from sgid.image_sets import leave_out, load_chosen, read_image_set, set_among, shards_of
from sgid.rating_items import shared_sources
from sgid.rejects import read_reasons, read_rejects, reject_list
from sgid.runtime import read_json, write_json

ROWS = [drawn_row(source, label) for source, label in (("a", 0), ("b", 0), ("c", 1), ("d", 1))]
IDS = [row["image_id"] for row in ROWS]
OUT = {IDS[1], IDS[2], "of/another/set"}


@pytest.fixture
def filtered(tmp_path):
    path = tmp_path / "filtered.json"
    write_json(leave_out(write_set(tmp_path, ROWS, shards=2), OUT, recipe="sgid_by_clip"), path)
    return str(path)


def test_a_filtered_set_names_its_own_recipe_the_one_it_filters_and_what_is_left_out(filtered):
    head = read_json(filtered)
    assert (head["recipe"], head["filters"], head["images"]) == ("sgid_by_clip", "sgid", 2)
    assert head["left_out"] == sorted(OUT - {"of/another/set"})
    assert sum(shard["rows"] for shard in head["shards"]) == 4


def test_training_is_given_exactly_the_rest(filtered):
    head, table = load_chosen([filtered], [])
    assert table["image_id"].to_pylist() == [IDS[0], IDS[3]]
    assert head["noise_rate"] == "0.3"


def test_every_reader_of_a_set_leaves_out_the_same(filtered):
    kept = [IDS[0], IDS[3]]
    assert [name for table in Export(filtered, ["x", "y"]).shards() for name in table["image_id"].to_pylist()] == kept
    assert facts_of([filtered])["source_id"].to_pylist() == ["a", "d"]
    assert [row["image_id"] for row in rows_of([filtered], "source_id", ["a", "b", "c", "d"])] == kept
    assert shared_sources([filtered]) == {"a", "d"}


def test_columns_come_as_they_were_asked_for(filtered):
    assert [table.column_names for table in shards_of(filtered, ["label", "flag"])] == [["label", "flag"]] * 2


def test_a_set_without_a_filter_is_read_as_before(tmp_path):
    assert read_image_set(write_set(tmp_path, ROWS))["image_id"].to_pylist() == IDS


def test_flags_of_a_filtered_set_are_those_of_its_pictures(tmp_path):
    rows = [ROWS[0], drawn_row("b", 0, flag="black"), drawn_row("c", 1, flag="black")]
    head = leave_out(write_set(tmp_path, rows), {rows[1]["image_id"]}, recipe="kept")
    assert head["flags"] == {"black": 1}


def test_a_shard_drawn_anew_with_other_pictures_is_refused_behind_a_filter_too(filtered, tmp_path):
    write_set(tmp_path, ROWS[:3], shards=2, side=9)
    with pytest.raises(ValueError, match=r"its pictures are not those|rows, but"):
        read_image_set(filtered)


def test_other_pictures_left_out_are_another_set_and_another_page(tmp_path):
    path = write_set(tmp_path, ROWS)
    one, other = (leave_out(path, {image_id}, recipe="kept") for image_id in IDS[:2])
    assert one != other
    assert fingerprint([one]) != fingerprint([other])


def test_a_class_without_a_picture_is_told_in_the_log(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        leave_out(write_set(tmp_path, ROWS), set(IDS[2:]), recipe="kept")
    assert caplog.messages == ["kept: no picture is left of 1 classes (labels 1)"]


def test_a_filter_that_leaves_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"recipes.kept.filter: leaves out all 4 pictures of .*; loosen its rules"):
        leave_out(write_set(tmp_path, ROWS), set(IDS), recipe="kept")


def test_the_rate_that_was_chosen_is_the_one_that_is_filtered(tmp_path):
    paths = [write_set(tmp_path, [drawn_row("a", 0, noise_rate=rate)], noise=rate) for rate in ("0.3", "0.5")]
    choice = tmp_path / "choice.json"
    write_json({"chosen": {"noise_rate": "0.5"}}, choice)
    assert set_among(paths, [str(choice)]) == paths[1]


def test_a_reject_list_is_read_back_as_it_was_written(tmp_path):
    rows = [{"image_id": "b", "source_id": "s", "reason": 'no "subject", at all', "label": 1}]
    rows.append({"image_id": "a", "source_id": "s", "reason": "", "label": 0})
    (tmp_path / "list.csv").write_text(reject_list(rows), encoding="utf-8")
    assert read_reasons(tmp_path / "list.csv") == {"a": "", "b": 'no "subject", at all'}
    assert read_rejects(tmp_path / "list.csv") == {"a", "b"}
    assert (tmp_path / "list.csv").read_text(encoding="utf-8").splitlines()[1] == "a,s,"


def test_a_list_of_nothing_leaves_nothing_out(tmp_path):
    (tmp_path / "list.csv").write_text(reject_list([]), encoding="utf-8")
    assert read_rejects(tmp_path / "list.csv") == set()
    head = leave_out(write_set(tmp_path, ROWS), set(), recipe="kept")
    assert (head["images"], head["left_out"]) == (4, [])
    assert isinstance(next(shards_of(write_set(tmp_path, ROWS))), pa.Table)


def composed(filtered, mix):
    originals = with_pictures([{"image_id": row["source_id"], "label": row["label"]} for row in ROWS])
    _, generated = load_chosen([filtered], [])
    return compose_training_set(originals, generated, size=8, classes=2, training={"mix": mix})


def test_a_training_set_has_the_originals_and_exactly_the_rest(filtered):
    training_set = composed(filtered, "append")
    assert training_set.generated.tolist() == [False] * 4 + [True] * 2
    assert training_set.origin[4:].tolist() == [0, 3]


def test_a_class_without_a_picture_trains_on_its_originals_and_is_refused_where_there_are_none(tmp_path):
    path = tmp_path / "bare.json"
    write_json(leave_out(write_set(tmp_path, ROWS), set(IDS[2:]), recipe="kept"), path)
    assert composed(str(path), "append").labels.tolist() == [0, 0, 1, 1, 0, 0]
    with pytest.raises(ValueError, match=r"class 1 has no training image .* a filter leaves them out"):
        composed(str(path), "synthetic")
