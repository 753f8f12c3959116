import hashlib
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny_models

from sgid import image_sets
from sgid.image_sets import (
    collect,
    leave_out,
    load_chosen,
    noise_rate_of,
    read_image_set,
    read_images,
    rows_with,
    some_of_each_class,
)
from sgid.image_table import read_table, row_groups, rows_at, write_row_groups, write_table
from sgid.runtime import write_json


def write_shard(path, rows: slice, noise_rate="0.5", seed=0, metadata=None):
    table = tiny_models.picture_table(6, seed=seed).slice(rows.start, rows.stop - rows.start)
    for name, value in (("noise_rate", noise_rate), ("flag", "")):
        table = table.append_column(name, pa.array([value] * len(table)))
    write_table(table, path, metadata=metadata)
    return str(path)


def write_set(folder, noise_rate="0.5", recipe="sgid"):
    shards = [write_shard(folder / f"shard-{i}-of-2.parquet", slice(3 * i, 3 * i + 3), noise_rate) for i in range(2)]
    path = folder / "set.json"
    write_json(collect(shards, dataset="tiny", recipe=recipe, miniature=True), path)
    return str(path)


def test_a_set_counts_its_images_and_names_its_noise_rate(tmp_path):
    image_set, _ = load_chosen([write_set(tmp_path)], [])
    assert (image_set["images"], image_set["noise_rate"], image_set["flags"]) == (6, "0.5", {})


def test_a_shard_drawn_again_with_the_same_pictures_leaves_the_set_as_it_was(tmp_path):
    first = collect([write_shard(tmp_path / "a", slice(0, 3))], dataset="t", recipe="r", miniature=True)
    again = [write_shard(tmp_path / "a", slice(0, 3), metadata={"commit": "another"})]
    assert collect(again, dataset="t", recipe="r", miniature=True) == first


def test_other_pictures_make_another_set(tmp_path):
    first = collect([write_shard(tmp_path / "a", slice(0, 3))], dataset="t", recipe="r", miniature=True)
    write_shard(tmp_path / "a", slice(0, 3), seed=1)
    assert collect([tmp_path / "a"], dataset="t", recipe="r", miniature=True) != first


def test_a_set_is_read_whole_and_in_order(tmp_path):
    table = read_image_set(write_set(tmp_path))
    assert table["image_id"].to_pylist() == [f"train/{i:03d}" for i in range(6)]


def test_a_missing_shard_is_named_with_the_command_that_draws_it(tmp_path):
    path = write_set(tmp_path)
    (tmp_path / "shard-1-of-2.parquet").unlink()
    with pytest.raises(ValueError, match=r"shard-1-of-2.parquet is missing; run `snakemake .*shard-1-of-2.parquet"):
        read_image_set(path)


def test_a_shard_of_another_length_is_refused(tmp_path):
    path = write_set(tmp_path)
    write_shard(tmp_path / "shard-0-of-2.parquet", slice(0, 2))
    with pytest.raises(ValueError, match=r"2 rows, but .* was made of 3"):
        read_image_set(path)


def test_a_shard_with_other_pictures_than_the_set_lists_is_refused(tmp_path):
    path = write_set(tmp_path)
    write_shard(tmp_path / "shard-0-of-2.parquet", slice(0, 3), seed=1)
    with pytest.raises(ValueError, match=r"its pictures are not those that .* lists; delete"):
        read_image_set(path)


def test_images_are_read_from_tables_and_sets_alike(tmp_path):
    path = write_set(tmp_path)
    tables = [tmp_path / f"shard-{index}-of-2.parquet" for index in range(2)]
    assert read_images([path]).equals(read_images(tables))


def in_groups(folder):
    """A shard of six pictures in row groups of two, and the set of it."""
    whole = read_table(write_shard(folder / "whole.parquet", slice(0, 6)))
    parts = (whole.slice(start, 2) for start in (0, 2, 4))
    write_row_groups(parts, folder / "groups.parquet", metadata={"recipe": "sgid"})
    write_json(collect([folder / "groups.parquet"], dataset="t", recipe="r", miniature=True), folder / "set.json")
    return folder / "groups.parquet", folder / "set.json"


def test_a_shards_hash_does_not_depend_on_its_row_groups(tmp_path):
    shard, _ = in_groups(tmp_path)
    assert len(list(row_groups(shard))) == 3
    sets = [collect([path], dataset="t", recipe="r", miniature=True) for path in (shard, tmp_path / "whole.parquet")]
    assert sets[0]["shards"][0]["sha256"] == sets[1]["shards"][0]["sha256"]


def test_of_the_pictures_only_the_row_groups_with_a_row_that_is_asked_for_are_read(tmp_path):
    shard, path = in_groups(tmp_path)
    column = pq.ParquetFile(shard).metadata.row_group(0).column(1)
    assert column.path_in_schema == "image.bytes"
    damaged = bytearray(shard.read_bytes())
    start, size = column.dictionary_page_offset, column.total_compressed_size
    damaged[start : start + size] = bytes(size)
    shard.write_bytes(damaged)
    (rows,) = rows_with(path, "image_id", ["train/003"])
    assert rows["image_id"].to_pylist() == ["train/003"]
    with pytest.raises(OSError, match="Deserializing page header failed"):
        list(rows_with(path, "image_id", ["train/001"]))


def test_rows_of_a_set_are_those_of_its_shards_less_what_its_filter_left_out(tmp_path):
    path = write_set(tmp_path)
    write_json(leave_out(path, ["train/004"], recipe="kept"), tmp_path / "kept.json")
    asked = ["train/001", "train/004", "train/005"]
    found = pa.concat_tables(rows_with(tmp_path / "kept.json", "image_id", asked))
    assert found.equals(rows_at(read_image_set(path), [1, 5]))


def test_an_image_in_two_shards_is_refused(tmp_path):
    shards = [write_shard(tmp_path / name, slice(0, 2)) for name in "ab"]
    with pytest.raises(ValueError, match="stands in two shards"):
        collect(shards, dataset="t", recipe="r", miniature=True)


def test_shards_of_different_noise_rates_are_refused(tmp_path):
    shards = [write_shard(tmp_path / "a", slice(0, 2), "0.3"), write_shard(tmp_path / "b", slice(2, 4), "0.5")]
    with pytest.raises(ValueError, match=r"noise rates \['0.3', '0.5'\]"):
        collect(shards, dataset="t", recipe="r", miniature=True)


def test_of_several_sets_the_chosen_noise_rate_is_read(tmp_path):
    sets = [write_set(tmp_path / rate, rate) for rate in ("0.3", "0.5")]
    write_json({"chosen": {"noise_rate": "0.5"}}, tmp_path / "choice.json")
    image_set, table = load_chosen(sets, [str(tmp_path / "choice.json")])
    assert (image_set["noise_rate"], len(table)) == ("0.5", 6)


def test_of_several_recipes_the_chosen_one_is_read_at_its_noise_rate(tmp_path):
    pairs = [("sgid", "0.3"), ("sgid", "0.5"), ("sgid_beam", "0.5"), ("sgid_filter", "0.5")]
    sets = [write_set(tmp_path / recipe / rate, rate, recipe) for recipe, rate in pairs]
    write_json({"chosen": {"recipe": "sgid_beam", "noise_rate": "0.5"}}, tmp_path / "choice.json")
    image_set, _ = load_chosen(sets, [str(tmp_path / "choice.json")])
    assert (image_set["recipe"], image_set["noise_rate"]) == ("sgid_beam", "0.5")


def test_a_choice_that_no_set_answers_is_refused(tmp_path):
    sets = [write_set(tmp_path / rate, rate) for rate in ("0.3", "0.5")]
    write_json({"chosen": {"recipe": "sgid_beam", "noise_rate": "0.5"}}, tmp_path / "choice.json")
    with pytest.raises(ValueError, match=r"choice\.json chose .*'sgid_beam'.*, which none of these sets has: "):
        load_chosen(sets, [str(tmp_path / "choice.json")])


def test_no_images_are_no_set():
    assert load_chosen([], []) == (None, None)


def test_the_noise_rate_of_a_path_is_itself_unless_validation_chose_it(tmp_path):
    write_json({"chosen": {"noise_rate": "0.7"}}, tmp_path / "choice.json")
    assert [noise_rate_of(noise, [tmp_path / "choice.json"]) for noise in ("0.3", "chosen")] == ["0.3", "0.7"]


def test_some_images_of_each_class_are_the_same_however_the_table_is_ordered():
    images = tiny_models.picture_table(20)
    some = some_of_each_class(images, 3, seed=0)
    assert Counter(some["label"].to_pylist()) == {0: 3, 1: 3}
    assert some.equals(some_of_each_class(images.sort_by([("image_id", "descending")]), 3, seed=0))


def test_the_hash_is_over_ids_and_pictures_however_many_are_read_at_once(monkeypatch):
    pictures = [(f"image/{number}", bytes([number]) * (number + 1)) for number in range(5)]
    ids, images = zip(*((name, {"bytes": data, "path": ""}) for name, data in pictures), strict=True)
    digest = hashlib.sha256()
    for part in (part for name, data in pictures for part in (name.encode(), data)):
        digest.update(len(part).to_bytes(8, "big") + part)
    for at_once in (1, 2, 64):
        monkeypatch.setattr(image_sets, "AT_ONCE", at_once)
        assert image_sets.content_hash([pa.table({"image_id": ids, "image": images})]) == digest.hexdigest()
