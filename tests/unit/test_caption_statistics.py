import json
import math

import numpy as np
import pandas as pd
import pytest
from caption_rows import NAMES, frames, prompt_row, score_rows

from sgid.caption_statistics import (
    EXAMPLES,
    best_samplers,
    caption_statistics,
    class_table,
    histogram,
    image_counts,
    names_class,
    sampler_statistics,
    shared_captions,
    spread,
)

CAPTIONS = {
    "a": {
        "beam": [("a tabby cat", 0.3), ("a cat", 0.2), ("a cat", 0.2)],
        "nucleus": [("a cat", 0.2), ("Tabby Cats on a mat", 0.4), ("", 0.1)],
    },
    "b": {
        "beam": [("a dog", 0.5), ("dog", 0.1), ("a dogma", math.nan)],
        "nucleus": [("a dog", 0.5), ("a cat", 0.0), ("a bone", 0.2)],
    },
}
PROMPTS = [prompt_row("a", 0, "a cat", similarity=0.2), prompt_row("b", 1, "a dog", similarity=0.5, sampler="beam")]


@pytest.fixture
def data():
    return frames(CAPTIONS, PROMPTS)


def of_sampler(captions: pd.DataFrame, sampler: str) -> dict:
    return sampler_statistics(captions[captions["sampler"] == sampler])


def contains(caption: str, name: str) -> bool:
    return bool(names_class(pd.Series([caption]), pd.Series([0]), {0: name})[0])


def test_every_caption_is_a_row_with_the_label_of_its_image(data):
    captions, _ = data
    assert len(captions) == 12
    assert captions.groupby("image_id")["label"].unique().map(list).to_dict() == {"a": [0], "b": [1]}


def test_an_image_without_any_caption_has_no_row():
    captions, images = frames({"a": {"beam": [], "nucleus": []}}, [prompt_row("a", prompt_flag="no caption")])
    assert len(captions) == 0
    assert caption_statistics(captions, images, names=NAMES, beams={})["image_counts"]["no_caption"]["count"] == 1


@pytest.mark.parametrize("caption", ["a dog", "Dog.", "two dogs", "DOG on a bed"])
def test_a_caption_names_its_class_whatever_the_case_and_number(caption):
    assert contains(caption, "dog")


@pytest.mark.parametrize("caption", ["a dogma", "a hotdog", "do g", ""])
def test_a_part_of_a_word_names_no_class(caption):
    assert not contains(caption, "dog")


def test_a_class_is_named_by_its_readable_name():
    assert contains("a colts foot", "colts_foot?")
    assert not contains("a colts_foot?", "colts_foot?")


def test_signs_in_a_name_are_themselves():
    assert contains("a c++ (book)", "c++ (book)")
    assert not contains("a cxx book", "c.. book")


def test_a_class_without_a_name_is_named_by_nothing():
    assert not contains("anything", "?")


def test_repeats_empty_short_and_unknown_captions_are_counted_by_sampler(data):
    beam, nucleus = (of_sampler(data[0], name) for name in ("beam", "nucleus"))
    assert (beam["captions"], beam["repeated"], beam["distinct_an_image"]) == (6, 1, 2.5)
    assert (beam["one_word"], beam["not_a_number"], beam["names_class"]) == (1, 1, 3)
    assert (nucleus["empty"], nucleus["repeated"], nucleus["names_class"]) == (1, 0, 2)


def test_repeats_between_samplers_are_counted_of_all(data):
    assert sampler_statistics(data[0])["repeated"] == 1 + 2  # "a cat" again, and once more by nucleus; "a dog" by both


def test_means_leave_out_what_is_no_number(data):
    beam = of_sampler(data[0], "beam")
    assert beam["cosine"]["n"] == 5
    assert beam["cosine"]["mean"] == pytest.approx(np.mean([0.3, 0.2, 0.2, 0.5, 0.1]))
    assert beam["best_cosine"] == pytest.approx(0.4)


def test_classes_of_one_name_have_a_row_each_with_their_labels(data):
    assert [row["name"] for row in class_table(*data, {0: "tabby_cat", 1: "tabby cat"}).to_dict("records")] == [
        "tabby cat (0)", "tabby cat (1)",
    ]  # fmt: skip


def test_the_best_caption_is_its_samplers_or_both(data):
    assert best_samplers(data[0]).to_dict() == {"a": "nucleus", "b": "both"}


def test_an_empty_or_unknown_caption_is_never_the_best():
    captions, _ = frames({"a": {"beam": [("", 0.9), ("x", math.nan), ("a cat", 0.1)]}}, [prompt_row("a")])
    assert best_samplers(captions).to_dict() == {"a": "beam"}
    captions, _ = frames({"a": {"beam": [("", 0.9), ("x", math.nan)]}}, [prompt_row("a")])
    assert best_samplers(captions).to_dict() == {}


def test_captions_that_images_share_are_listed_by_number_of_images(data):
    shared = shared_captions(data[0])
    assert shared["most_frequent"] == [{"caption": "a cat", "images": 2, "classes": 2}]
    assert (shared["distinct"], shared["distinct_shared"]) == (7, 1)
    assert (shared["pairs"], shared["pairs_shared"]) == (8, 2)


ODD = {
    "equal": {"beam": [("a cat", 0.3)] * 3, "nucleus": [("a cat", 0.3)] * 3},
    "none": {"beam": [("", 0.3)] * 3, "nucleus": [("", 0.3)] * 3},
    "nan": {"beam": [("a cat", math.nan), ("b", math.nan)], "nucleus": [("c", math.nan)]},
    "high": {"beam": [("a tabby cat", 0.9), ("b", math.inf)], "nucleus": [("c", 0.1)]},
}
ODD_PROMPTS = [
    prompt_row("equal"),
    prompt_row("none", caption="", sampler="none", prompt_flag="no caption"),
    prompt_row("nan", prompt_flag="no similarity"),
    prompt_row("high", caption="a tabby cat", similarity=0.9),
]


def test_odd_images_are_counted_and_named():
    captions, images = frames(ODD, ODD_PROMPTS, truncated=[False, False, False, True])
    found = {name: entry["examples"] for name, entry in image_counts(captions, images, NAMES).items()}
    assert found == {
        "truncated": ["high"],
        "clamped": ["high"],
        "no_caption": ["none"],
        "no_similarity": ["nan"],
        "some_not_a_number": ["high", "nan"],
        "all_equal": ["equal", "none"],
        "chosen_names_class": ["high"],
    }


def test_few_of_many_images_are_named():
    many = {f"{number:02}": {"beam": [("a cat", 0.1)] * 2} for number in range(20)}
    entry = image_counts(*frames(many, [prompt_row(name) for name in many]), NAMES)["all_equal"]
    assert (entry["count"], entry["examples"]) == (20, sorted(many)[:EXAMPLES])


def test_classes_stand_in_order_of_similarity_with_their_means(data):
    rows = class_table(*data, NAMES).to_dict("records")
    assert [row["name"] for row in rows] == ["tabby cat", "dog"]
    assert rows[0] == {
        "label": 0, "name": "tabby cat", "images": 1, "similarity": 0.2, "guidance": pytest.approx(1.24),
        "names_class": pytest.approx(2 / 6),
    }  # fmt: skip


def test_a_class_of_which_nothing_was_said_has_no_share():
    captions, images = frames({"a": {"beam": []}}, [prompt_row("a")])
    assert class_table(captions, images, NAMES).to_dict("records")[0]["names_class"] is None


@pytest.mark.parametrize("captions", [CAPTIONS, {"a": ODD["nan"], "b": ODD["none"]}, {"a": {"beam": []}, "b": {}}])
def test_all_numbers_are_json_whatever_the_captions(captions):
    statistics = caption_statistics(*frames(captions, PROMPTS), names=NAMES, beams={"beam": [10]})
    again = json.loads(json.dumps(statistics, allow_nan=False))
    assert (again["images"], again["classes"]) == (2, 2)


def test_beams_stand_with_their_sampler(data):
    statistics = caption_statistics(*data, names=NAMES, beams={"beam": [10]})
    assert {name: entry["beams"] for name, entry in statistics["samplers"].items()} == {
        "beam": [10], "nucleus": [], "all": [],
    }  # fmt: skip


def test_label_texts_have_their_own_cosine_once_an_image(data):
    label = caption_statistics(*data, names=NAMES, beams={})["label_text"]
    assert (label["cosine"]["n"], label["cosine"]["mean"]) == (2, 0.25)


def test_histograms_count_every_finite_value_once():
    found = histogram(pd.Series([0.1, 0.2, 0.2, math.nan, math.inf]))
    assert sum(found["counts"]) == 3
    assert len(found["edges"]) == len(found["counts"]) + 1


@pytest.mark.parametrize("values", [[7.5] * 9, [0.3, 0.3 + 1e-16], [], [math.nan]])
def test_histograms_of_one_value_or_none_have_room(values):
    edges = histogram(pd.Series(values, dtype=float))["edges"]
    assert edges[-1] - edges[0] > 0.09


def test_cosines_of_all_samplers_share_their_edges(data):
    found = caption_statistics(*data, names=NAMES, beams={})["histograms"]["cosine"]
    assert set(found) == {"beam", "nucleus", "label text"}
    assert len({tuple(entry["edges"]) for entry in found.values()}) == 1


def test_a_spread_of_nothing_is_none():
    assert spread(pd.Series([math.nan])) == {
        "n": 0, "mean": None, "std": None, "min": None, "q05": None, "median": None, "q95": None, "max": None,
    }  # fmt: skip


def test_similarities_that_a_table_lacks_are_no_numbers():
    scores = score_rows({"a": {"beam": [("a cat", None), ("b", 0.1)]}})
    assert scores["similarities"][0] == [None, 0.1]
    captions, _ = frames({"a": {"beam": [("a cat", None), ("b", 0.1)]}}, [prompt_row("a")])
    assert sampler_statistics(captions)["not_a_number"] == 1
