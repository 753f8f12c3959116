"""Choices made on validation accuracy: of a recipe its noise rate, of a method with several recipes one of them.

Paper, section 4.2: "we select the noise rate n"; recipes may differ in their captions, chosen as in section 3.1.
"""

from collections import defaultdict
from statistics import fmean

NOISE_RULE = "highest mean validation accuracy, ties to the smaller noise rate"
RECIPE_RULE = "highest mean validation accuracy, ties to the recipe named first, then to the smaller noise rate"


def choose_noise(runs: list[dict], *, dataset: str, recipe: str) -> dict:
    """The selection record of one image recipe, from one candidate run per noise rate and seed.

    `accuracy` is percent of the validation set; equal means (to nine decimals) go to the smaller noise rate.
    """
    candidates = _candidates(runs, dataset=dataset, recipes=[recipe], name=recipe)
    return {
        "dataset": dataset,
        "recipe": recipe,
        "chosen": {"noise_rate": _best(candidates)["noise_rate"]},
        "rule": NOISE_RULE,
        "backbone": runs[0]["backbone"],
        "candidates": candidates,
    }


def choose_recipe(runs: list[dict], *, dataset: str, method: str, recipes: list[str]) -> dict:
    """The selection record of a method with several recipes, from the candidate runs of each of them.

    Equal means (to nine decimals) go to the recipe that stands first in `recipes`, then to the smaller noise rate.
    """
    candidates = _candidates(runs, dataset=dataset, recipes=recipes, name=method)
    best = _best(candidates)
    return {
        "dataset": dataset,
        "method": method,
        "chosen": {"recipe": best["recipe"], "noise_rate": best["noise_rate"]},
        "rule": RECIPE_RULE,
        "backbone": runs[0]["backbone"],
        "candidates": candidates,
    }


def _best(candidates: list[dict]) -> dict:
    """The first one of the highest mean: candidates stand in the order that ties go by."""
    return max(candidates, key=lambda candidate: round(candidate["mean"], 9))


def _candidates(runs: list[dict], *, dataset: str, recipes: list[str], name: str) -> list[dict]:
    """One entry a recipe and noise rate, in the order of `recipes`, then of the rates; refuses what cannot compete."""
    _refuse_foreign(runs, dataset=dataset, recipes=recipes, name=f"{dataset}/{name}")
    groups = defaultdict(list)
    for run in sorted(runs, key=lambda run: (recipes.index(run["recipe"]), float(run["noise_rate"]), run["seed"])):
        groups[run["recipe"], run["noise_rate"]].append(run)
    candidates = [_candidate(recipe, noise, group) for (recipe, noise), group in groups.items()]
    _refuse_unequal_seeds(candidates, name=f"{dataset}/{name}")
    return candidates


def _candidate(recipe: str, noise: str, runs: list[dict]) -> dict:
    accuracies = [run["accuracy"] for run in runs]
    return {
        "recipe": recipe,
        "noise_rate": noise,
        "seeds": [run["seed"] for run in runs],
        "accuracies": accuracies,
        "mean": fmean(accuracies),
    }


def _refuse_foreign(runs: list[dict], *, dataset: str, recipes: list[str], name: str) -> None:
    """A choice made on test accuracy, or on another data set, would be a leak that no table shows."""
    found = {run.get("recipe") for run in runs}
    if missing := [recipe for recipe in recipes if recipe not in found]:
        raise ValueError(f"{name}: no candidate runs of {', '.join(missing)}; train_candidate makes them")
    wanted = {"dataset": [dataset], "recipe": recipes, "split": ["validation"], "backbone": [runs[0]["backbone"]]}
    for run in runs:
        if wrong := {key: run.get(key) for key, values in wanted.items() if run.get(key) not in values}:
            raise ValueError(
                f"{name}: a candidate has {wrong}, wanted {wanted}; delete it in results/selection and run this again"
            )


def _refuse_unequal_seeds(candidates: list[dict], *, name: str) -> None:
    seeds = {f"{candidate['recipe']} at {candidate['noise_rate']}": candidate["seeds"] for candidate in candidates}
    if len(set(map(tuple, seeds.values()))) > 1:
        raise ValueError(f"{name}: candidates were run with different seeds {seeds}; run the missing ones")
