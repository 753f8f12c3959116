"""Captions, their CLIP cosines, and prompts (paper, section 3.1).

Needs:  the images to be described: results/datasets/{dataset}/train.parquet, or another recipe's shards
Makes:  results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet, the same under results/similarity,
        results/prompts/{dataset}/{recipe}.parquet
"""


rule write_sentences:
    input:
        classes="results/datasets/{dataset}/classes.csv",
        model=matrix.model("t5"),
    output:
        "results/captions/{dataset}/sentences.yaml",
    log:
        "logs/write_sentences/{dataset}.log",
    benchmark:
        "results/benchmarks/write_sentences/{dataset}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        number=config["sentences"]["count"],
        max_length=config["sentences"]["max_length"],
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/write_sentences.py"


rule write_captions:
    input:
        images=described_images,
        classes="results/datasets/{dataset}/classes.csv",
        sources=caption_sources,
    output:
        "results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet",
    log:
        "logs/write_captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.log",
    benchmark:
        "results/benchmarks/write_captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=caption_gpus,
    params:
        captions=config["captions"],
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/write_captions.py"


rule score_captions:
    input:
        images=described_images,
        captions="results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        model=matrix.model("clip"),
    output:
        "results/similarity/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet",
    log:
        "logs/score_captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.log",
    benchmark:
        "results/benchmarks/score_captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        batch_size=config["similarity"]["batch_size"],
    script:
        "../workflow_scripts/score_captions.py"


rule build_prompts:
    input:
        images=of_recipe(matrix.source_tables),
        captions=of_recipe(matrix.caption_shards),
        classes="results/datasets/{dataset}/classes.csv",
    output:
        "results/prompts/{dataset}/{recipe}.parquet",
    log:
        "logs/build_prompts/{dataset}/{recipe}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=recipe_fields("captions", "parts", "weighted", "label_weight", "caption_weight", "guidance"),
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/build_prompts.py"
