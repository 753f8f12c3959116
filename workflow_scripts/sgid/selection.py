"""Choice of the noise rate on validation accuracy (paper, section 4.2: "we select the noise rate n")."""

from collections import defaultdict
from statistics import fmean

RULE = "highest mean validation accuracy, ties to the smaller noise rate"


def choose_noise(runs: list[dict], *, dataset: str, recipe: str) -> dict:
    """The selection record of one image recipe, from one candidate run per noise rate, backbone and seed.

    `accuracy` is percent of the validation set; equal means (to nine decimals) go to the smaller noise rate.
    """
    _refuse_foreign(runs, dataset=dataset, recipe=recipe)
    candidates = [_candidate(noise, group) for noise, group in _by_noise(runs).items()]
    _refuse_unequal_seeds(candidates, dataset=dataset, recipe=recipe)
    best = min(candidates, key=lambda candidate: (-round(candidate["mean"], 9), float(candidate["noise_rate"])))
    return {
        "dataset": dataset,
        "recipe": recipe,
        "chosen": {"noise_rate": best["noise_rate"]},
        "rule": RULE,
        "candidates": candidates,
    }


def _by_noise(runs: list[dict]) -> dict[str, list[dict]]:
    groups = defaultdict(list)
    for run in sorted(runs, key=lambda run: (float(run["noise_rate"]), run["backbone"], run["seed"])):
        groups[run["noise_rate"]].append(run)
    return groups


def _candidate(noise: str, runs: list[dict]) -> dict:
    accuracies = [run["accuracy"] for run in runs]
    return {
        "noise_rate": noise,
        "seeds": [run["seed"] for run in runs],
        "accuracies": accuracies,
        "mean": fmean(accuracies),
    }


def _refuse_foreign(runs: list[dict], *, dataset: str, recipe: str) -> None:
    """A choice made on test accuracy, or on another data set, would be a leak that no table shows."""
    if not runs:
        raise ValueError(
            f"{dataset}/{recipe}: no candidate runs; give choose_noise one run JSON per noise rate and seed"
        )
    for run in runs:
        wanted = {"dataset": dataset, "recipe": recipe, "split": "validation"}
        if wrong := {key: run.get(key) for key, value in wanted.items() if run.get(key) != value}:
            raise ValueError(
                f"{dataset}/{recipe}: a candidate has {wrong}, wanted {wanted}; check choose_noise's input"
            )


def _refuse_unequal_seeds(candidates: list[dict], *, dataset: str, recipe: str) -> None:
    seeds = {candidate["noise_rate"]: candidate["seeds"] for candidate in candidates}
    if len(set(map(tuple, seeds.values()))) > 1:
        raise ValueError(f"{dataset}/{recipe}: noise rates were run with different seeds {seeds}; run the missing ones")
