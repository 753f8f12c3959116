"""Filters of generated images (paper, appendix B, in spirit): which pictures a recipe leaves out, and why.

Needs:  results/images/{dataset}/{recipe}/noise-{noise}.json of the recipe that is filtered, and its selection
Makes:  results/filter/{dataset}/{recipe}/clip.parquet, seed-{seed}.parquet and .json (of the recipe that is filtered)
        results/filter/{dataset}/{recipe}/rejects.csv and verdicts.csv, results/filter/{dataset}/{recipe}.csv, .md, …
        results/images/{dataset}/{recipe}/noise-{noise}.json (of the filtered recipe: the same shards, less the rejects)
"""


rule score_images:
    input:
        **of_scored,
        originals="results/datasets/{dataset}/train.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        texts="config/prompts/filter_texts.yaml",
        model=matrix.model("clip"),
    output:
        "results/filter/{dataset}/{recipe}/clip.parquet",
    log:
        "logs/score_images/{dataset}/{recipe}.log",
    benchmark:
        "results/benchmarks/score_images/{dataset}/{recipe}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        batch_size=config["similarity"]["batch_size"],
        miniature=is_drawn,
    script:
        "../workflow_scripts/score_images.py"


rule judge_images:
    input:
        **of_scored,
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        weights=candidate_weights,
    output:
        run="results/filter/{dataset}/{recipe}/seed-{seed}.json",
        predictions="results/filter/{dataset}/{recipe}/seed-{seed}.parquet",
    log:
        "logs/judge_images/{dataset}/{recipe}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/judge_images/{dataset}/{recipe}/seed-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        gpu=1,
    params:
        **of_all_runs | {"training": training_settings.plain(config)},
        backbone_name=config["selection"]["backbone"],
        backbone=backbone_entry(config["selection"]["backbone"]),
    script:
        "../workflow_scripts/judge_images.py"


rule reject_images:
    input:
        **of_filtered,
        **of_rules,
    output:
        rejects="results/filter/{dataset}/{recipe}/rejects.csv",
        verdicts="results/filter/{dataset}/{recipe}/verdicts.csv",
    log:
        "logs/reject_images/{dataset}/{recipe}.log",
    wildcard_constraints:
        recipe=one_of(filters.filtered(by_chance=False)),
    conda:
        "../envs/analysis.yaml"
    params:
        rules=of_recipe(filters.rules),
    script:
        "../workflow_scripts/reject_images.py"


rule reject_by_chance:
    input:
        **of_filtered,
        pattern=of_recipe(filters.pattern),
    output:
        rejects="results/filter/{dataset}/{recipe}/rejects.csv",
        verdicts="results/filter/{dataset}/{recipe}/verdicts.csv",
    log:
        "logs/reject_by_chance/{dataset}/{recipe}.log",
    wildcard_constraints:
        recipe=one_of(filters.filtered(by_chance=True)),
    conda:
        "../envs/analysis.yaml"
    params:
        seed=config["image_seed"],
    script:
        "../workflow_scripts/reject_by_chance.py"


rule filter_images:
    input:
        **of_filtered,
        rejects="results/filter/{dataset}/{recipe}/rejects.csv",
    output:
        "results/images/{dataset}/{recipe}/noise-{noise}.json",
    log:
        "logs/filter_images/{dataset}/{recipe}/noise-{noise}.log",
    wildcard_constraints:
        recipe=one_of(filters.with_rates()),
    conda:
        "../envs/analysis.yaml"
    script:
        "../workflow_scripts/filter_images.py"


rule report_rejects:
    input:
        **of_filtered,
        **of_rules,
        rejects="results/filter/{dataset}/{recipe}/rejects.csv",
        verdicts="results/filter/{dataset}/{recipe}/verdicts.csv",
        classes="results/datasets/{dataset}/classes.csv",
        template="report/filter.html.j2",
        code=modules("rejection", "filter_tables", "filter_pages", "classes")
        + modules("html_pages", "recipes", "rejects", "results_table", "table_formats"),
    output:
        csv="results/filter/{dataset}/{recipe}.csv",
        md="results/filter/{dataset}/{recipe}.md",
        html=report("results/filter/{dataset}/{recipe}.html", category="8 Filters", caption="../report/filter.rst"),
    log:
        "logs/report_rejects/{dataset}/{recipe}.log",
    wildcard_constraints:
        recipe=one_of(filters.filtered()),
    conda:
        "../envs/analysis.yaml"
    params:
        heading=filter_heading,
    script:
        "../workflow_scripts/report_rejects.py"


rule show_rejects:
    input:
        **of_filtered,
        originals="results/datasets/{dataset}/train.parquet",
        rejects="results/filter/{dataset}/{recipe}/rejects.csv",
        classes="results/datasets/{dataset}/classes.csv",
        code=modules("reject_grid", "picture_grid", "figure_style", "classes", "filter_pages", "gallery", "rejects"),
    output:
        pdf="results/filter/{dataset}/{recipe}.pdf",
        png=report("results/filter/{dataset}/{recipe}.png", category="8 Filters", caption="../report/rejects.rst"),
    log:
        "logs/show_rejects/{dataset}/{recipe}.log",
    wildcard_constraints:
        recipe=one_of(filters.filtered()),
    conda:
        "../envs/analysis.yaml"
    params:
        heading=filter_heading,
        seed=config["image_seed"],
    script:
        "../workflow_scripts/show_rejects.py"
