import math

import pytest
from drawn_sets import drawn_row, with_pictures, write_set

from sgid.image_samples import Extent, choose_sources, facts_of, families, flags_of, rows_of, thumbnail

EXTENT = Extent(per_class=2, originals=100, flagged=1, thumbnail=16)
NAMES = {0: "tabby_cat", 1: "dog"}


def rows(count: int = 6, **changes) -> list[dict]:
    """Pictures of so many originals of two classes."""
    return [drawn_row(f"{label}/{number}", label, **changes) for number in range(count // 2) for label in (0, 1)]


def chosen(folder, drawn, extent=EXTENT, seed=0) -> list[str]:
    return choose_sources(facts_of([write_set(folder, drawn)]), extent, seed=seed)


def test_as_many_of_each_class_are_shown_in_order(tmp_path):
    ids = chosen(tmp_path, rows())
    assert ids == sorted(ids)
    assert [image_id[0] for image_id in ids] == ["0", "0", "1", "1"]


def test_the_same_originals_are_shown_whatever_the_recipe_and_the_noise_rates(tmp_path):
    first = chosen(tmp_path / "a", rows())
    assert chosen(tmp_path / "b", [*rows(replicate=0), *rows(replicate=1)]) == first
    assert {tuple(chosen(tmp_path / f"c{seed}", rows(), seed=seed)) for seed in range(1, 6)} != {tuple(first)}


def test_many_classes_share_the_room_of_a_page(tmp_path):
    assert len(chosen(tmp_path / "a", rows(), Extent(6, 2, 0, 16))) == 2
    assert len(chosen(tmp_path / "b", rows(), Extent(6, 1, 0, 16))) == 2  # one of each class at least


def test_some_originals_with_flagged_pictures_are_shown_beside_the_others(tmp_path):
    drawn = rows(12)
    plain = chosen(tmp_path / "plain", drawn)
    for row in drawn:
        row["flag"] = "" if row["source_id"] in plain else "black"
    flagged = chosen(tmp_path / "flagged", drawn)
    assert len(flagged) == len(plain) + 1
    assert set(plain) < set(flagged)


def test_only_the_rows_of_what_is_shown_are_read(tmp_path):
    path = write_set(tmp_path, rows(), shards=3)
    assert {row["source_id"] for row in rows_of([path], "source_id", ["0/0", "1/2"])} == {"0/0", "1/2"}


def test_a_lost_shard_is_told_before_anything_is_read(tmp_path):
    path = write_set(tmp_path, rows(), shards=2)
    (tmp_path / "noise-0.3/shard-1-of-2.parquet").unlink()
    with pytest.raises(ValueError, match=r"its shard .*shard-1-of-2\.parquet is missing; run `snakemake"):
        facts_of([path])


def family_of(drawn: list[dict]):
    original = with_pictures([{"image_id": "0/0", "label": 0}]).to_pylist()
    return families(["0/0"], original, with_pictures(drawn).to_pylist(), names=NAMES, side=16)[0]


def test_pictures_of_one_prompt_stand_together_by_noise_rate_and_replicate():
    drawn = [
        drawn_row("0/0", noise_rate=rate, replicate=replicate) for rate in ("0.7", "0.3", "1.0") for replicate in (1, 0)
    ]
    found = family_of(drawn)
    assert found.name == "tabby cat"
    assert [(each.noise_rate, each.replicate) for each in found.strips[0].children] == [
        ("0.3", 0), ("0.3", 1), ("0.7", 0), ("0.7", 1), ("1.0", 0), ("1.0", 1)
    ]  # fmt: skip
    assert found.strips[0].spans[0] == ("A picture of a cat", 1.5)


def test_pictures_of_different_prompts_stand_apart():
    found = family_of([drawn_row("0/0"), drawn_row("0/0", noise_rate="0.5", caption="a dog")])
    assert [each.caption for each in found.strips] == ["a cat on a mat", "a dog"]
    assert "a dog" in found.text


@pytest.mark.parametrize("value", [math.nan, None])
def test_a_picture_may_have_no_similarity(value):
    drawn = with_pictures([drawn_row("0/0")]).to_pylist()
    drawn[0]["similarity"] = value
    original = with_pictures([{"image_id": "0/0", "label": 0}]).to_pylist()
    assert families(["0/0"], original, drawn, names=NAMES, side=16)[0].strips[0].similarity is None


def test_an_original_that_no_table_has_is_refused():
    with pytest.raises(ValueError, match="9/9: pictures were drawn from it, but no table has it"):
        families(["9/9"], [], [], names=NAMES, side=16)


def test_flags_are_words():
    assert flags_of(drawn_row("a")) == []
    odd = drawn_row("a", flag="nan", prompt_flag="no caption", truncated=True, attempts=3)
    assert flags_of(odd) == ["nan", "no caption", "truncated", "drawn again"]


def test_a_thumbnail_is_as_small_as_asked_and_tiny_ones_keep_their_pixels():
    large = with_pictures([{"image_id": "a", "label": 0}], side=200).to_pylist()[0]
    assert (thumbnail(large, 160).width, thumbnail(large, 160).tiny) == (160, False)
    assert (thumbnail(large, 32).width, thumbnail(large, 32).tiny) == (32, True)
    assert thumbnail(large, 160).address.startswith("data:image/webp;base64,")
