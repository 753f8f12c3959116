"""The configuration, checked; the matrix it declares; wildcard constraints; one-line questions to the matrix."""

import sys

from snakemake.exceptions import WorkflowError

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")

from sgid.configuration import checked
from sgid.matrix import Matrix
from sgid.presentation import Presentation
from sgid.references import SAMPLERS_OF, ConfigError

try:
    matrix = Matrix(checked(config))
except ConfigError as error:
    raise WorkflowError(str(error)) from None
shown = Presentation(matrix)


def one_of(names):
    return "|".join(names) or "(?!)"  # of nothing: a pattern that never matches


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    backbone=one_of(config["backbones"]),
    method=one_of(config["methods"]),
    recipe=one_of(config["recipes"]),
    source=one_of(["originals", *config["recipes"]]),
    sampler=one_of(sorted({name for names in SAMPLERS_OF.values() for name in names})),
    table=one_of(matrix.names),
    figure=one_of(config["figures"]),
    noise=r"chosen|[01]\.\d+",
    seed=r"\d+",
    i=r"\d+",
    n=r"\d+",
    part=one_of(["vae", "stable_diffusion", "blip", "clip", "t5", "vit", "evaluator"]),


# Params: each is one value of one registry, so that a change reruns only what uses it.
def registry_entry(registry, wildcard):
    return lambda wildcards: config[registry][wildcards[wildcard]]


def dataset_field(field):
    return lambda wildcards: config["datasets"][wildcards.dataset][field]


def recipe_field(field):
    return lambda wildcards: matrix.recipes[wildcards.recipe][field]


def recipe_fields(*fields):
    return lambda wildcards: {field: matrix.recipes[wildcards.recipe][field] for field in fields}


def method_field(field, default):
    return lambda wildcards: config["methods"][wildcards.method].get(field, default)


def figure_field(field):
    return lambda wildcards: matrix.entry(wildcards.figure)[field]


def shown_recipe(wildcards):
    return matrix.image_recipe(matrix.entry(wildcards.figure), wildcards.method)


# The cheap rules of analysis list the modules behind them, so that tables and figures follow the code.
def modules(*names):
    return [f"workflow_scripts/sgid/{name}.py" for name in names]


def is_miniature(wildcards):
    return matrix.is_miniature(wildcards.dataset)
