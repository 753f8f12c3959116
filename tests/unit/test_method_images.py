"""A run has the sets of every recipe that its method names, and waits for the choice among them."""

import pytest

from sgid.matrix import Matrix
from sgid.method_images import MethodImages

RATES = ["0.3", "0.5", "0.7"]


@pytest.fixture
def images(config):
    return MethodImages(Matrix(config))


def test_a_method_without_images_needs_no_image_set(images):
    assert (images.sets("pets", "cutmix"), images.choice("pets", "cutmix")) == ([], [])


def test_a_method_with_one_recipe_needs_a_set_for_each_rate_and_the_choice_among_them(images):
    assert images.sets("pets", "sgid_ra") == [f"results/images/pets/sgid/noise-{rate}.json" for rate in RATES]
    assert images.choice("pets", "sgid_ra") == ["results/selection/pets/sgid.json"]


def test_a_method_with_one_set_needs_no_choice(images):
    assert images.choice("pets", "text2img") == []


def test_a_method_with_several_recipes_has_the_sets_of_each(images):
    paths = [f"results/images/pets/sgid/noise-{rate}.json" for rate in RATES]
    others = [f"results/images/pets/{recipe}/noise-chosen.json" for recipe in ("sgid_beam", "sgid_filter")]
    assert images.sets("pets", "sgid_selected") == [*paths, *others]


def test_a_method_with_several_recipes_waits_for_a_choice_that_no_recipe_can_be_named_like(images):
    assert images.choice("pets", "sgid_selected") == ["results/selection/pets/methods/sgid_selected.json"]


def test_the_candidates_of_a_method_are_those_of_its_recipes(images):
    found = images.candidates("pets", "sgid_selected")
    assert found[:3] == images.matrix.candidates("pets", "sgid")
    assert found[3:] == [
        f"results/selection/pets/{recipe}/noise-chosen/seed-0.json" for recipe in ("sgid_beam", "sgid_filter")
    ]
