"""Augmented images (paper, section 3.2).

Needs:  results/prompts/{dataset}/{recipe}.parquet and the images that the recipe redraws
Makes:  results/images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.parquet
        results/images/{dataset}/{recipe}/noise-{noise}.json (the set: all that training depends on)
"""


rule draw_images:
    input:
        originals=of_recipe(matrix.source_tables),
        prompts="results/prompts/{dataset}/{recipe}.parquet",
        choice=of_recipe(matrix.choice_for),
        model=lambda wildcards: matrix.model(matrix.recipes[wildcards.recipe]["model"]),
    output:
        "results/images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.parquet",
    log:
        "logs/draw_images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.log",
    benchmark:
        "results/benchmarks/draw_images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.tsv"
    wildcard_constraints:
        recipe=one_of(filters.drawing()),
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        generation=generation_of,
        weighting=config["weighting"],
        replicates=recipe_field("replicates"),
        per_class=recipe_field("per_class"),
        base_seed=config["image_seed"],
        miniature=is_drawn,
    script:
        "../workflow_scripts/draw_images.py"


rule collect_images:
    input:
        shards=shards_of_set,
    output:
        "results/images/{dataset}/{recipe}/noise-{noise}.json",
    log:
        "logs/collect_images/{dataset}/{recipe}/noise-{noise}.log",
    wildcard_constraints:
        recipe=one_of(filters.drawing()),
    conda:
        "../envs/analysis.yaml"
    params:
        miniature=is_drawn,
    script:
        "../workflow_scripts/collect_images.py"


# Makes nothing, so that it runs whenever it is asked for.
rule prune_cache:
    log:
        "logs/prune_cache.log",
    conda:
        "../envs/generation.yaml"
    script:
        "../workflow_scripts/prune_cache.py"
