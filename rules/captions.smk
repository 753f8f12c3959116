"""Captions, their CLIP cosines, and prompts (paper, section 3.1).

Needs:  the images to be described: results/datasets/{dataset}/train.parquet, or another recipe's shards
Makes:  results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet, the same under results/similarity,
        results/prompts/{dataset}/{recipe}.parquet, results/captions/{dataset}/report.html and report.json
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
        model=matrix.model("blip"),
    output:
        beam="results/captions/{dataset}/{source}/beam/shard-{i}-of-{n}.parquet",
        nucleus="results/captions/{dataset}/{source}/nucleus/shard-{i}-of-{n}.parquet",
    log:
        "logs/write_captions/{dataset}/{source}/shard-{i}-of-{n}.log",
    benchmark:
        "results/benchmarks/write_captions/{dataset}/{source}/shard-{i}-of-{n}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        captions=config["captions"],
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/write_captions.py"


rule list_captions:
    input:
        images=described_images,
        classes="results/datasets/{dataset}/classes.csv",
        lists=lambda wildcards: SENTENCE_FILES[wildcards.sampler],
    output:
        "results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet",
    log:
        "logs/list_captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.log",
    wildcard_constraints:
        sampler=one_of(SENTENCE_FILES),
    conda:
        "../envs/analysis.yaml"
    params:
        number=config["captions"]["count"],
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/list_captions.py"


rule score_captions:
    input:
        images=described_images,
        captions="results/captions/{dataset}/{source}/{sampler}/shard-{i}-of-{n}.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        model=matrix.model(matrix.scoring_model),
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
        encoder=matrix.scoring_model,
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
        similarity=config["similarity"]["mode"],
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/build_prompts.py"


rule report_captions:
    input:
        images="results/datasets/{dataset}/train.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        captions=of_dataset(caption_reports.captions),
        scores=of_dataset(caption_reports.scores),
        prompts=of_dataset(caption_reports.prompts),
        model=caption_reports.model(),
        template="report/captions.html.j2",
        code=modules("caption_charts", "caption_report", "caption_samples", "caption_statistics", "html_pages")
        + modules("prompt_lengths", "classes", "guidance", "prompts", "weighting"),
    output:
        page="results/captions/{dataset}/report.html",
        numbers="results/captions/{dataset}/report.json",
    log:
        "logs/report_captions/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    params:
        heading=caption_heading,
        number=config["captions_report"]["images"],
        seed=config["image_seed"],
    script:
        "../workflow_scripts/report_captions.py"
