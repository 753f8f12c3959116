import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.selection import choose_noise


def candidate(noise: str, seed: int, accuracy: float, **changes: object) -> dict:
    run = {"dataset": "pets", "recipe": "sgid", "backbone": "resnet50", "split": "validation"}
    return run | {"noise_rate": noise, "seed": seed, "accuracy": accuracy} | changes


def chosen(runs: list[dict]) -> str:
    return choose_noise(runs, dataset="pets", recipe="sgid")["chosen"]["noise_rate"]


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
    assert record["candidates"] == [{"noise_rate": "0.5", "seeds": [0, 1], "accuracies": [70, 80], "mean": 75.0}]


@given(st.permutations([("0.3", 61.0), ("0.5", 63.5), ("0.7", 63.5), ("0.9", 10.0)]))
def test_the_order_of_the_candidates_does_not_matter(pairs):
    assert chosen([candidate(noise, 0, accuracy) for noise, accuracy in pairs]) == "0.5"


def test_a_choice_on_test_accuracy_is_refused():
    with pytest.raises(ValueError, match="'split': 'test'"):
        chosen([candidate("0.3", 0, 70, split="test")])


def test_a_candidate_of_another_recipe_is_refused():
    with pytest.raises(ValueError, match="sgid_dc"):
        chosen([candidate("0.3", 0, 70, recipe="sgid_dc")])


def test_noise_rates_with_unequal_seeds_are_refused():
    with pytest.raises(ValueError, match="different seeds"):
        chosen([candidate("0.3", 0, 70), candidate("0.3", 1, 70), candidate("0.5", 0, 70)])


def test_no_candidates_are_refused():
    with pytest.raises(ValueError, match="no candidate runs"):
        chosen([])
