import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from drawn_sets import drawn_row, write_set
from PIL import Image
from rated_kit import EXTENT, KIT, items, originals

from sgid.image_table import decode
from sgid.rating_items import (
    choose_originals,
    chosen_sets,
    drawn_pictures,
    encoded_square,
    labels_of,
    shared_sources,
)
from sgid.runtime import write_json


@pytest.fixture(scope="module")
def table():
    return items()


def rows(table: pa.Table, kind: str) -> list[dict]:
    return [row for row in table.to_pylist() if row["kind"] == kind]


def test_the_sample_has_so_many_labels_and_of_each_so_many_originals():
    chosen = choose_originals(originals(), None, EXTENT, kit=KIT)
    assert sorted(Counter(chosen["label"].to_pylist()).values()) == [2, 2, 2]


def test_where_there_are_fewer_all_are_taken():
    chosen = choose_originals(originals(), None, replace(EXTENT, labels=20, originals=20), kit=KIT)
    assert len(chosen) == 24


def test_the_sample_follows_the_seed_and_nothing_else():
    samples = [
        labels_of(choose_originals(table, None, EXTENT, kit=kit))
        for kit in (KIT, replace(KIT, seed=1))
        for table in (originals(), originals().take(list(range(23, -1, -1))))
    ]
    assert samples[0] == samples[1] != samples[2] == samples[3]


def test_only_originals_that_every_set_has_are_taken():
    shared = {"train/circle/00000", "train/circle/00008", "elsewhere"}
    chosen = choose_originals(originals(), shared, EXTENT, kit=KIT)
    assert set(chosen["image_id"].to_pylist()) == shared - {"elsewhere"}
    with pytest.raises(ValueError, match="no original is drawn in all of the image sets"):
        choose_originals(originals(), {"elsewhere"}, EXTENT, kit=KIT)


def test_sources_are_shared_by_all_sets(tmp_path):
    paths = [
        write_set(tmp_path / "1", [drawn_row("a"), drawn_row("b")]),
        write_set(tmp_path / "2", [drawn_row("b"), drawn_row("c")]),
    ]
    assert shared_sources(paths) == {"b"}
    assert shared_sources([]) is None


def test_of_several_sets_the_one_that_validation_chose_is_rated(tmp_path):
    paths = [write_set(tmp_path, [drawn_row("a", noise_rate=noise)], noise=noise) for noise in ("0.3", "0.5")]
    write_json({"recipe": "sgid", "chosen": {"noise_rate": "0.5"}}, tmp_path / "choice.json")
    assert chosen_sets(paths, [str(tmp_path / "choice.json")]) == {"sgid": paths[1]}
    assert chosen_sets(paths[:1], []) == {"sgid": paths[0]}
    with pytest.raises(ValueError, match="no selection among them"):
        chosen_sets(paths, [])


def test_the_first_replicate_is_rated(tmp_path):
    drawn = [drawn_row("a", replicate=1), drawn_row("a", replicate=0), drawn_row("b")]
    found = drawn_pictures(write_set(tmp_path, drawn), ["a"])
    assert {source: picture.getpixel((0, 0)) for source, picture in found.items()} == {"a": (1, 0, 90)}


def test_every_original_has_a_picture_of_every_method(table):
    sources = [row["source_id"] for row in rows(table, "original")]
    pairs = Counter((row["source_id"], row["method"]) for row in rows(table, "rated"))
    assert pairs == {(source, method): 1 for source in sources for method in ("ra", "sgid")}


def test_a_check_shows_the_original_itself_or_one_of_another_class(table):
    originals_ = {row["source_id"]: row for row in rows(table, "original")}
    label_of = {row["image"]["bytes"]: row["label"] for row in originals_.values()}
    same, foreign = rows(table, "same"), rows(table, "foreign")
    assert (len(same), len(foreign)) == (2, 2)
    assert all(row["image"]["bytes"] == originals_[row["source_id"]]["image"]["bytes"] for row in same)
    assert all(label_of[row["image"]["bytes"]] != row["label"] for row in foreign)


def test_pictures_of_another_class_need_two_classes():
    with pytest.raises(ValueError, match=r"set checks\.foreign to 0, or rate more labels"):
        items(extent=replace(EXTENT, labels=1))
    assert len(rows(items(extent=replace(EXTENT, labels=1, foreign=0)), "rated")) == 4


def test_pictures_are_alike_in_all_but_their_pixels(table):
    encoded = [row["image"]["bytes"] for row in table.to_pylist()]
    opened = [Image.open(io.BytesIO(data)) for data in encoded]
    assert len(set(map(len, encoded))) == 1
    assert {(each.format, each.size, each.mode) for each in opened} == {("WEBP", (32, 32), "RGB")}
    assert not any({"exif", "icc_profile", "xmp"} & each.info.keys() for each in opened)


def test_the_filling_changes_no_pixel_and_tiny_pictures_lose_none(table):
    source = rows(table, "original")[0]
    original = next(row for row in originals().to_pylist() if row["image_id"] == source["source_id"])
    assert np.array_equal(decode(source["image"]["bytes"]), decode(original["image"]["bytes"]))


def test_a_picture_of_any_shape_becomes_a_square_without_its_metadata():
    wide = Image.new("RGB", (900, 600), "teal")
    wide.info["exif"] = wide.getexif().tobytes()
    wide.info["icc_profile"] = b"profile"
    square = Image.open(io.BytesIO(encoded_square(wide, 320)))
    assert square.size == (320, 320)
    assert not {"exif", "icc_profile"} & square.info.keys()


def test_names_are_hashes_of_their_own_for_each_kit(table):
    other = items(kit=replace(KIT, evaluation="trial"), extent=EXTENT)
    names = set(table["image_id"].to_pylist())
    assert len(names) == len(table)
    assert names.isdisjoint(other["image_id"].to_pylist())
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)
