"""The configuration, checked; the matrix it declares; wildcard constraints; one-line questions to the matrix."""

import sys

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.source_path("../workflow_scripts").rstrip("/"))

from sgid.configuration import checked
from sgid.matrix import Matrix
from sgid.references import SAMPLERS_OF, ConfigError

try:
    matrix = Matrix(checked(config))
except ConfigError as error:
    raise WorkflowError(str(error)) from None


def one_of(names):
    return "|".join(names)


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    backbone=one_of(config["backbones"]),
    method=one_of(config["methods"]),
    recipe=one_of(config["recipes"]),
    source=one_of(["originals", *config["recipes"]]),
    sampler=one_of(sorted({name for names in SAMPLERS_OF.values() for name in names})),
    table=one_of(config["tables"]),
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


def recipe_fields(*fields):
    return lambda wildcards: {field: matrix.recipes[wildcards.recipe][field] for field in fields}


def method_field(field, default):
    return lambda wildcards: config["methods"][wildcards.method].get(field, default)


def is_miniature(wildcards):
    return matrix.is_miniature(wildcards.dataset)
