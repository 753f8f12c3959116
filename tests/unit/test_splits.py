"""Splits that are drawn: what a draw promises, whatever the pictures, the shares and the seeds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.datasets.listing import Picture
from sgid.datasets.splits import by_class, drawn_test, parted, thirty_of_each

shares = st.floats(0.01, 0.99)
seeds = st.integers(0, 1000)


def pictures_of(sizes: list[int]) -> list[Picture]:
    names = [(label, f"{label}/{index:02d}") for label, size in enumerate(sizes) for index in range(size)]
    return [Picture(name, label, "train", name) for label, name in names]


@st.composite
def sources(draw, smallest: int = 1) -> list[Picture]:
    """Pictures of some classes, in any order."""
    sizes = draw(st.lists(st.integers(smallest, 12), min_size=1, max_size=6))
    return draw(st.permutations(pictures_of(sizes)))


def held_out(pictures: list[Picture], share: float, seed: int) -> list[Picture]:
    """Validation as `parted` holds it out; a test image of a class of its own makes the source whole."""
    return parted([*pictures, Picture("z", 99, "test", "z")], share, seed=seed)["validation"]


def counts(pictures: list[Picture]) -> dict[str, int]:
    return dict(Counter(picture.split for picture in pictures))


@given(sources(smallest=2), shares, seeds)
def test_a_hold_out_is_a_subset_of_train(pictures, share, seed):
    assert set(held_out(pictures, share, seed)) < set(pictures)


@given(sources(smallest=2), shares, seeds)
def test_a_hold_out_has_an_image_of_each_class_and_never_a_whole_class(pictures, share, seed):
    held, whole = (by_class(each) for each in (held_out(pictures, share, seed), pictures))
    assert held.keys() == whole.keys()
    assert all(len(held[label]) < len(whole[label]) for label in whole)


@given(sources(smallest=3), shares, seeds)
def test_a_hold_out_is_its_share_of_each_class_to_within_one(pictures, share, seed):
    held = by_class(held_out(pictures, share, seed))
    assert all(abs(len(held[label]) - share * len(group)) <= 1 for label, group in by_class(pictures).items())


@given(sources(smallest=2), shares, seeds, st.data())
def test_a_hold_out_is_the_same_in_whatever_order_the_pictures_come(pictures, share, seed, data):
    shuffled = data.draw(st.permutations(pictures))
    assert held_out(shuffled, share, seed) == held_out(pictures, share, seed)


@given(sources(smallest=2), seeds)
def test_an_image_is_held_out_or_not_whatever_other_classes_there_are(pictures, seed):
    alone = [picture for picture in pictures if picture.label == 0]
    assert [each for each in held_out(pictures, 0.3, seed) if each.label == 0] == held_out(alone, 0.3, seed)


@given(st.integers(1, 5))
def test_classes_of_one_image_give_no_validation_and_that_is_said(classes):
    with pytest.raises(ValueError, match="validation holds no image; correct datasets"):
        held_out(pictures_of([1] * classes), 0.5, 0)


def test_official_validation_images_are_no_train_images():
    others = [Picture("v", 0, "validation", "v"), Picture("t", 0, "test", "t")]
    parts = parted([*pictures_of([3]), *others], "official", seed=0)
    assert (len(parts["train"]), parts["validation"]) == (3, others[:1])


def test_a_share_is_refused_where_validation_is_official():
    with pytest.raises(
        ValueError, match=r"validation is 0\.1, but this split has its own validation images \(1\); say"
    ):
        held_out([*pictures_of([3]), Picture("v", 0, "validation", "v")], 0.1, 0)


def test_official_validation_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="validation holds no image"):
        parted([*pictures_of([3]), Picture("t", 0, "test", "t")], "official", seed=0)


@given(sources(smallest=2), shares, seeds)
def test_a_drawn_test_is_disjoint_from_train_and_together_they_are_everything(pictures, share, seed):
    marked = drawn_test(pictures, share, seed=seed)
    assert [picture.image_id for picture in marked] == [picture.image_id for picture in pictures]
    assert set(counts(marked)) == {"train", "test"}


@given(sources(), shares, seeds)
def test_no_class_is_only_tested(pictures, share, seed):
    train = [picture for picture in drawn_test(pictures, share, seed=seed) if picture.split == "train"]
    assert by_class(train).keys() == by_class(pictures).keys()


@given(sources(smallest=6), shares, seeds)
def test_a_drawn_test_and_what_is_held_out_of_the_rest_have_no_image_in_common(pictures, share, seed):
    parts = parted(drawn_test(pictures, 0.4, seed=seed), share, seed=seed)
    assert set(parts["validation"]) < set(parts["train"])
    assert not {each.image_id for each in parts["train"]} & {each.image_id for each in parts["test"]}


@given(sources(smallest=6), seeds)
def test_thirty_of_each_gives_every_class_as_many_to_train_on(pictures, seed):
    groups = by_class(each for each in thirty_of_each(pictures, seed=seed, count=5) if each.split == "train")
    assert {len(group) for group in groups.values()} == {5}


@pytest.mark.parametrize(("split", "places"), [("test", "test and train"), ("train", "train")])
def test_an_image_that_is_listed_twice_is_refused_for_it_could_leak(split, places):
    pictures = [*pictures_of([3]), Picture("0/01", 0, split, "0/01"), Picture("z", 1, "test", "z")]
    with pytest.raises(ValueError, match=rf"^image '0/01' is listed twice \(in {places}\); list it once$"):
        parted(pictures, 0.5, seed=0)


def test_a_class_too_small_for_thirty_of_each_is_refused():
    with pytest.raises(ValueError, match=r"class of 0/00: 30 images cannot give 30 and a test"):
        thirty_of_each(pictures_of([30]), seed=0)


def test_another_seed_draws_others():
    pictures = pictures_of([12, 12])
    assert held_out(pictures, 0.5, 0) != held_out(pictures, 0.5, 1)
