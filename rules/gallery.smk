"""Pages to look at what was drawn, and exports of it.

Needs:  results/images/{dataset}/{recipe}/noise-{noise}.json and its shards, the images that the recipe redraws
Makes:  results/pages/{dataset}/{recipe}.html and .json, results/pages/index.html,
        results/exports/{dataset}/{recipe}/noise-{noise}/imagefolder.zip, data.parquet and README.md
"""


rule show_images:
    input:
        originals=of_recipe(matrix.source_tables),
        sets=of_recipe(matrix.image_sets),
        classes="results/datasets/{dataset}/classes.csv",
        template="report/images.html.j2",
        code=modules("html_pages", "image_pages", "image_samples", "rejects", "classes", "prompts"),
    output:
        page="results/pages/{dataset}/{recipe}.html",
        numbers="results/pages/{dataset}/{recipe}.json",
    log:
        "logs/show_images/{dataset}/{recipe}.log",
    conda:
        "../envs/generation.yaml"
    params:
        heading=page_heading,
        extent=config["pages"],
        seed=config["image_seed"],
    script:
        "../workflow_scripts/show_images.py"


rule index_pages:
    input:
        numbers=image_pages.numbers(),
        template="report/pages.html.j2",
        code=modules("html_pages", "image_pages"),
    output:
        "results/pages/index.html",
    log:
        "logs/index_pages.log",
    conda:
        "../envs/generation.yaml"
    params:
        titles={name: entry["title"] for name, entry in config["datasets"].items()},
    script:
        "../workflow_scripts/index_pages.py"


rule export_imagefolder:
    input:
        set="results/images/{dataset}/{recipe}/noise-{noise}.json",
        classes="results/datasets/{dataset}/classes.csv",
        card="report/dataset_card.md",
    output:
        "results/exports/{dataset}/{recipe}/noise-{noise}/imagefolder.zip",
    log:
        "logs/export_imagefolder/{dataset}/{recipe}/noise-{noise}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        title=dataset_field("title"),
    script:
        "../workflow_scripts/export_imagefolder.py"


rule export_parquet:
    input:
        set="results/images/{dataset}/{recipe}/noise-{noise}.json",
        classes="results/datasets/{dataset}/classes.csv",
        card="report/dataset_card.md",
    output:
        data="results/exports/{dataset}/{recipe}/noise-{noise}/data.parquet",
        card="results/exports/{dataset}/{recipe}/noise-{noise}/README.md",
    log:
        "logs/export_parquet/{dataset}/{recipe}/noise-{noise}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        title=dataset_field("title"),
    script:
        "../workflow_scripts/export_parquet.py"
