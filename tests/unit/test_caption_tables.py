import tiny_models

from sgid.caption_tables import caption_table, listed_captions, read_lists


def test_captions_that_are_empty_or_all_equal_are_kept_and_counted():
    table = caption_table(tiny_models.picture_table(2)["image_id"], [["", "", "x"], ["y"] * 3], sampler="beam", beams=3)
    assert table["captions"].to_pylist() == [["", "", "x"], ["y"] * 3]
    assert table["distinct"].to_pylist() == [2, 1]


def listed(images, lists, names):
    return listed_captions(images, lists, sampler="diverse", names=names, dataset="tiny", count=4, base_seed=0)


def test_written_captions_come_from_the_sentence_lists(tmp_path):
    (tmp_path / "lists.yaml").write_text("default: ['a {label} at night']\n")
    table = listed(tiny_models.picture_table(2), read_lists(tmp_path / "lists.yaml"), {0: "cat", 1: "dog"})
    assert table["captions"].to_pylist() == [["a cat at night"], ["a dog at night"]]


def test_of_a_long_list_each_image_gets_its_own_part():
    images, lists = tiny_models.picture_table(4), {"cat": [f"{{label}} {i}" for i in range(50)]}
    whole = listed(images, lists, {0: "cat", 1: "cat"})
    assert [len(set(texts)) for texts in whole["captions"].to_pylist()] == [4] * 4
    assert len({tuple(texts) for texts in whole["captions"].to_pylist()}) > 1
    assert whole.slice(2).equals(listed(images.slice(2), lists, {0: "cat", 1: "cat"}))
