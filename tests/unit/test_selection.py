import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.selection import choose_noise, choose_recipe

RECIPES = ["sgid", "sgid_beam", "sgid_filter"]


def candidate(noise: str, seed: int, accuracy: float, **changes: object) -> dict:
    run = {"dataset": "pets", "recipe": "sgid", "backbone": "resnet50", "split": "validation"}
    return run | {"noise_rate": noise, "seed": seed, "accuracy": accuracy} | changes


def chosen(runs: list[dict]) -> str:
    return choose_noise(runs, dataset="pets", recipe="sgid")["chosen"]["noise_rate"]


def of_recipes(runs: list[dict], recipes=RECIPES) -> dict:
    return choose_recipe(runs, dataset="pets", method="sgid_selected", recipes=recipes)


def one_each(*accuracies: float, noise: str = "0.5") -> list[dict]:
    """A candidate of each recipe, in their order."""
    pairs = zip(RECIPES, accuracies, strict=True)
    return [candidate(noise, 0, accuracy, recipe=recipe) for recipe, accuracy in pairs]


def test_the_highest_mean_validation_accuracy_wins():
    runs = [candidate("0.3", 0, 70), candidate("0.3", 1, 72), candidate("0.5", 0, 60), candidate("0.5", 1, 90)]
    assert chosen(runs) == "0.5"


def test_a_tie_goes_to_the_smaller_noise_rate():
    assert chosen([candidate("0.7", 0, 70), candidate("0.3", 0, 70), candidate("0.5", 0, 70)]) == "0.3"


def test_equal_means_of_different_rounding_are_a_tie():
    low = [candidate("0.3", seed, value) for seed, value in enumerate((0.1, 0.2, 0.3))]
    high = [candidate("0.5", seed, value) for seed, value in enumerate((0.3, 0.2, 0.1 + 1e-16))]
    assert chosen([*high, *low]) == "0.3"


def test_noise_rates_are_compared_as_numbers():
    assert chosen([candidate("1.0", 0, 50), candidate("0.30", 0, 50)]) == "0.30"


def test_the_record_keeps_every_candidate_with_its_seeds():
    record = choose_noise([candidate("0.5", 1, 80), candidate("0.5", 0, 70)], dataset="pets", recipe="sgid")
    only = {"recipe": "sgid", "noise_rate": "0.5", "seeds": [0, 1], "accuracies": [70, 80], "mean": 75.0}
    assert (record["candidates"], record["backbone"]) == ([only], "resnet50")


@given(st.permutations([("0.3", 61.0), ("0.5", 63.5), ("0.7", 63.5), ("0.9", 10.0)]))
def test_the_order_of_the_candidates_does_not_matter(pairs):
    assert chosen([candidate(noise, 0, accuracy) for noise, accuracy in pairs]) == "0.5"


def test_the_recipe_of_the_highest_mean_is_chosen_with_its_noise_rate():
    runs = [*one_each(70, 75, 60), candidate("0.3", 0, 74)]
    assert of_recipes(runs)["chosen"] == {"recipe": "sgid_beam", "noise_rate": "0.5"}


def test_a_tie_of_recipes_goes_to_the_one_named_first_whatever_its_noise_rate():
    runs = [candidate("0.7", 0, 70), candidate("0.3", 0, 70, recipe="sgid_beam")]
    assert of_recipes(runs, ["sgid", "sgid_beam"])["chosen"] == {"recipe": "sgid", "noise_rate": "0.7"}
    assert of_recipes(runs, ["sgid_beam", "sgid"])["chosen"] == {"recipe": "sgid_beam", "noise_rate": "0.3"}


def test_a_tie_within_a_recipe_goes_to_the_smaller_noise_rate():
    runs = [candidate("0.7", 0, 70), *one_each(70, 10, 10), candidate("0.3", 0, 69)]
    assert of_recipes(runs)["chosen"] == {"recipe": "sgid", "noise_rate": "0.5"}


@given(st.permutations([*one_each(61.0, 63.5, 63.5), candidate("0.3", 0, 63.5)]))
def test_the_order_of_the_recipes_candidates_does_not_matter(runs):
    assert of_recipes(runs)["chosen"] == {"recipe": "sgid", "noise_rate": "0.3"}


def test_the_record_of_a_method_lists_every_recipe_and_rate_and_the_rule():
    record = of_recipes([*one_each(70, 75, 60), candidate("0.3", 0, 74)])
    shown = [(each["recipe"], each["noise_rate"], each["mean"]) for each in record["candidates"]]
    assert shown == [("sgid", "0.3", 74), ("sgid", "0.5", 70), ("sgid_beam", "0.5", 75), ("sgid_filter", "0.5", 60)]
    assert "recipe named first" in record["rule"]


def test_a_choice_on_test_accuracy_is_refused():
    with pytest.raises(ValueError, match="'split': 'test'"):
        chosen([candidate("0.3", 0, 70, split="test")])


@pytest.mark.parametrize(
    ("key", "value"), [("dataset", "dtd"), ("recipe", "sgid_dc"), ("split", None), ("backbone", "vit")]
)
def test_a_candidate_of_anything_else_is_refused(key, value):
    with pytest.raises(ValueError, match=f"^pets/sgid: a candidate has {{'{key}': {value!r}}}"):
        chosen([candidate("0.3", 0, 70), candidate("0.5", 0, 70, **{key: value})])


def test_a_candidate_of_a_recipe_that_the_method_does_not_name_is_refused():
    with pytest.raises(ValueError, match=r"^pets/sgid_selected: a candidate has \{'recipe': 'sgid_dc'\}"):
        of_recipes([*one_each(70, 75, 60), candidate("0.5", 0, 99, recipe="sgid_dc")])


def test_noise_rates_with_unequal_seeds_are_refused():
    with pytest.raises(ValueError, match="different seeds"):
        chosen([candidate("0.3", 0, 70), candidate("0.3", 1, 70), candidate("0.5", 0, 70)])


def test_recipes_with_unequal_seeds_are_refused():
    with pytest.raises(ValueError, match=r"'sgid at 0.5': \[0, 1\], 'sgid_beam at 0.5': \[0\]"):
        of_recipes([*one_each(70, 75, 60), candidate("0.5", 1, 70)])


def test_no_candidates_are_refused():
    with pytest.raises(ValueError, match="no candidate runs of sgid;"):
        chosen([])


def test_a_recipe_without_candidates_is_refused_by_name():
    with pytest.raises(ValueError, match="no candidate runs of sgid_filter;"):
        of_recipes(one_each(70, 75, 60)[:2])
