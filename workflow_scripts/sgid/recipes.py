"""The image recipes with all of their fields, and whether each can be drawn or filtered (standard library only).

A recipe draws pictures; or it has `filters`, the recipe whose pictures it is given without those that its rules reject.
What is asked of a filtered recipe (captions, model, shards, …) is answered by the one that it filters.
"""

import re
from collections.abc import Mapping

from sgid.refusals import ConfigError, require

ORIGINALS = "originals"
RECIPE_DEFAULTS = {
    "model": "stable_diffusion",
    "source": ORIGINALS,
    "captions": "nucleus",
    "parts": "label and caption",
    "weighted": True,
    "label_weight": 1.5,
    "caption_weight": 0.9,
    "guidance": {"mode": "literal"},
    "replicates": 1,
    "per_class": None,
    "generation": {},
}
# The rules of a filter, in the order in which they are asked; a picture's reason is the first that applies.
CLIP_RULES = ("another_class", "no_subject", "too_unlike", "unchanged")
CLASSIFIER_RULES = ("mislabelled", "too_easy")
RULES = ("flagged", *CLIP_RULES, *CLASSIFIER_RULES)
LIKE = "like"  # in place of rules: as many of each class as another recipe leaves out, taken by chance


def resolved(recipes: Mapping[str, Mapping]) -> dict[str, dict]:
    """Every recipe with its defaults filled in; a filtered one with the fields of what it filters."""
    return {name: _resolved(entry, recipes) for name, entry in recipes.items()}


def _resolved(entry: Mapping, recipes: Mapping[str, Mapping]) -> dict:
    if "filters" not in entry:
        return {**RECIPE_DEFAULTS, **entry}
    drawn = {**RECIPE_DEFAULTS, **recipes[entry["filters"]]}
    several = isinstance(drawn["noise"], list)
    return {**drawn, "noise": {"as": entry["filters"]} if several else drawn["noise"], **entry}


def rules_of(recipe: Mapping) -> dict:
    """The rules of a recipe's filter that are switched on, in their order; none for a recipe that draws."""
    rules = recipe.get("filter", {})
    return {name: rules[name] for name in RULES if rules.get(name) is not None and rules[name] is not False}


def check_recipes(recipes: Mapping[str, Mapping], models: Mapping) -> None:
    """Raise ConfigError for a recipe that can be neither drawn nor filtered."""
    for name, recipe in recipes.items():
        check = check_filtered if "filters" in recipe else check_drawn
        check(f"recipes.{name}", recipe, recipes)
        require(f"recipes.{name}.model", [recipe.get("model", RECIPE_DEFAULTS["model"])], models)


def check_drawn(path: str, recipe: Mapping, recipes: Mapping[str, Mapping]) -> None:
    """The recipe it redraws, and its noise rates; it filters nothing."""
    if "filter" in recipe:
        raise ConfigError(f"{path}.filter: only a recipe with `filters`, the recipe whose pictures it takes, has rules")
    if recipe.get("source", ORIGINALS) != ORIGINALS:
        require(f"{path}.source", [recipe["source"]], recipes)
        check_source(path, recipes[recipe["source"]])
    noise = recipe["noise"]
    if isinstance(noise, Mapping):
        require(f"{path}.noise.as", [noise["as"]], recipes)
        if not isinstance(recipes[noise["as"]].get("noise"), list):
            raise ConfigError(f"{path}.noise.as: {noise['as']!r} has one noise rate, so nothing is chosen for it")
        return
    for rate in [noise] if isinstance(noise, str) else noise:
        check_noise(f"{path}.noise", rate)


def check_source(path: str, source: Mapping) -> None:
    """A redrawn image needs one picture of each original; a recipe that redraws or filters is no source itself."""
    once = source.get("source", ORIGINALS) == ORIGINALS and source.get("replicates", 1) == 1
    if not once or not isinstance(source.get("noise"), str) or source.get("per_class"):
        raise ConfigError(
            f"{path}.source: only a recipe of the originals, with one noise rate and one image of each, can be redrawn"
        )


def check_noise(path: str, rate: str) -> None:
    """A noise rate is a share of the diffusion's steps: more than none, at most all; it is spelt as in paths."""
    if not re.fullmatch(r"[01]\.[0-9]+", rate) or not 0 < float(rate) <= 1:
        raise ConfigError(
            f"{path}: {rate!r} is not a noise rate; it must lie in (0, 1], written as a string like '0.5'"
        )


def check_filtered(path: str, recipe: Mapping, recipes: Mapping[str, Mapping]) -> None:
    """It filters a recipe that draws, draws nothing itself, and leaves pictures out by rules or like another."""
    require(f"{path}.filters", [recipe["filters"]], recipes)
    if "filters" in recipes[recipe["filters"]]:
        raise ConfigError(f"{path}.filters: {recipe['filters']!r} is filtered itself; name the recipe that it filters")
    for key in recipe.keys() - {"filters", "filter"}:
        raise ConfigError(f"{path}.{key}: a recipe that filters another draws nothing; leave this or `filters` out")
    on, like = rules_of(recipe), recipe["filter"].get(LIKE)
    if bool(on) == (like is not None):
        raise ConfigError(f"{path}.filter: switch on rules ({', '.join(RULES)}), or `{LIKE}` alone in their place")
    if like is not None:
        require(f"{path}.filter.{LIKE}", [like], recipes)
        if recipes[like].get("filters") != recipe["filters"] or not rules_of(recipes[like]):
            raise ConfigError(
                f"{path}.filter.{LIKE}: {like!r} filters not {recipe['filters']!r}, or not by rules; name another"
            )
