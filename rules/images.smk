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
        shard="results/images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.parquet",
        receipt="results/images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.sha256",
    log:
        "logs/draw_images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.log",
    benchmark:
        "results/benchmarks/draw_images/{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}.tsv"
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
        miniature=is_miniature,
    script:
        "../workflow_scripts/draw_images.py"


# A set follows from what its pictures are drawn from, not from the age of its shards: a shard that was lost and drawn
# again leaves the set, and all that was trained on it, as it was. So shards come in by their receipts, as `ancient`,
# and everything that a picture depends on stands here too.
rule collect_images:
    input:
        originals=of_recipe(matrix.source_tables),
        prompts="results/prompts/{dataset}/{recipe}.parquet",
        choice=of_recipe(matrix.choice_for),
        model=lambda wildcards: matrix.model(matrix.recipes[wildcards.recipe]["model"]),
        receipts=lambda wildcards: ancient(receipts_of_set(wildcards)),
    output:
        "results/images/{dataset}/{recipe}/noise-{noise}.json",
    log:
        "logs/collect_images/{dataset}/{recipe}/noise-{noise}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        generation=generation_of,
        weighting=config["weighting"],
        replicates=recipe_field("replicates"),
        per_class=recipe_field("per_class"),
        base_seed=config["image_seed"],
        shards=shards_of_set,
        miniature=is_miniature,
    script:
        "../workflow_scripts/collect_images.py"
