"""Which models a build reads, and so what `snakemake models` fetches (standard library only).

It follows what the rules ask for: a recipe is drawn by its model from scored captions, a measuring figure compares
pictures by CLIP, a run needs its backbone's weights, and so do the candidates of a choice.
"""

from collections.abc import Iterable, Mapping

from sgid.figure_references import DRAWN_ONLY
from sgid.matrix import Matrix
from sgid.recipes import CLASSIFIER_RULES, CLIP_RULES, LIKE, rules_of

# The model behind a recipe's captions; `diverse` and `instructions` are lists that people wrote.
WRITER_OF = {"sentences": "t5", "nucleus": "blip", "beam": "blip", "filter": "blip"}
MEASURED = ("similarity", "plane")  # kinds of figures that compare pictures


def models_needed(matrix: Matrix) -> list[str]:
    """The record of every model that the configured build reads, and of no other."""
    recipes = recipes_drawn(matrix)
    names = {matrix.recipes[recipe]["model"] for recipe in recipes}
    names |= {WRITER_OF.get(matrix.recipes[recipe]["captions"]) for recipe in recipes}
    names |= {matrix.scoring_model} if recipes else set()
    names |= {encoder_of(matrix, name) for name in measuring(matrix)}
    names |= {"clip"} if asked(matrix, CLIP_RULES) else set()
    names |= {matrix.config["backbones"][backbone].get("weights") for backbone in backbones_trained(matrix)}
    return [record for name in sorted(filter(None, names)) for record in matrix.model(name)]


def recipes_drawn(matrix: Matrix) -> set[str]:
    """Every recipe that the build draws, with those whose images it redraws and those that decide its noise rate."""
    shown = {recipe for name in matrix.config["build"] for _, recipe in matrix.drawn(name)}
    return with_those_behind(matrix.recipes, shown | recipes_measured(matrix))


def backbones_trained(matrix: Matrix) -> set[str]:
    """The backbones of the build's runs, and that of the candidates where validation chooses anything."""
    build = matrix.config["build"]
    whole = [
        name for name in build if matrix.entry(name).get("kind") in DRAWN_ONLY
    ]  # show every rate, so none is chosen
    shown = {recipe for name in build if name not in whole for _, recipe in matrix.drawn(name)}
    several = [recipe for recipe in shown | recipes_measured(matrix) if len(matrix.noise_rates(recipe)) > 1]
    deciding = [recipe for recipe in recipes_drawn(matrix) if isinstance(matrix.recipes[recipe]["noise"], Mapping)]
    runs = matrix.runs(build)
    choosing = [run for run in runs if len(matrix.recipes_of(run.method)) > 1]
    judging = asked(matrix, CLASSIFIER_RULES)
    candidates = {matrix.config["selection"]["backbone"]} if several or deciding or choosing or judging else set()
    return {run.backbone for run in runs} | candidates


def asked(matrix: Matrix, rules: Iterable[str]) -> bool:
    """Whether a filter of the build asks any of these rules."""
    return any(rule in rules_of(matrix.recipes[recipe]) for recipe in recipes_drawn(matrix) for rule in rules)


def measuring(matrix: Matrix) -> list[str]:
    """The figures of the build that compare pictures."""
    return [name for name in matrix.config["build"] if matrix.entry(name).get("kind") in MEASURED]


def encoder_of(matrix: Matrix, name: str) -> str:
    """The model in whose space a figure, or the one whose measurements it shows, compares pictures."""
    return matrix.entry(matrix.entry(name).get("measures", name)).get("encoder", "clip")


def recipes_measured(matrix: Matrix) -> set[str]:
    """The recipes whose pictures are compared, as the figure whose measurements are shown names them."""
    found = set()
    for entry in map(matrix.entry, measuring(matrix)):
        measured = matrix.entry(entry["measures"]) if "measures" in entry else entry
        found |= {matrix.image_recipe(measured, row) for row in entry["rows"]}
    return found - {None}


def with_those_behind(recipes: Mapping[str, Mapping], wanted: Iterable[str]) -> set[str]:
    """Recipes, those that they redraw, and those that decide their noise rate or what a control leaves out."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            noise = recipes[name]["noise"]
            like = recipes[name].get("filter", {}).get(LIKE)
            behind = (recipes[name]["source"], noise["as"] if isinstance(noise, Mapping) else None, like)
            waiting += [each for each in behind if each in recipes]
    return found
