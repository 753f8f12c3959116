"""Data sets.

Needs:  nothing but the mirrors, copies or folders that config/datasets.yaml names
Makes:  resources/datasets/{dataset}/archives.json beside the archives
        results/datasets/{dataset}/{train,validation,test}.parquet, index.csv, labels.csv, left_out.csv, classes.csv,
        preview.md, duplicates.csv, duplicates.md
"""


rule fetch_dataset:
    output:
        "resources/datasets/{dataset}/archives.json",
    log:
        "logs/fetch_dataset/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        known_by=of_dataset(data.archives),
    script:
        "../workflow_scripts/fetch_dataset.py"


rule prepare_dataset:
    input:
        archives=of_dataset(data.record),
        split=of_dataset(data.split_file),
        names=of_dataset(data.optional_file, "class_names"),
        labels=of_dataset(data.optional_file, "labels"),
    output:
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        test="results/datasets/{dataset}/test.parquet",
        index="results/datasets/{dataset}/index.csv",
        labels="results/datasets/{dataset}/labels.csv",
        left_out="results/datasets/{dataset}/left_out.csv",
    log:
        "logs/prepare_dataset/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        entry=of_dataset(data.contents),
        seed=of_dataset(data.split_seed, config["split_seed"]),
    script:
        "../workflow_scripts/prepare_dataset.py"


rule name_classes:
    input:
        labels="results/datasets/{dataset}/labels.csv",
        index="results/datasets/{dataset}/index.csv",
        left_out="results/datasets/{dataset}/left_out.csv",
    output:
        classes="results/datasets/{dataset}/classes.csv",
        preview="results/datasets/{dataset}/preview.md",
    log:
        "logs/name_classes/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        prompt_names=of_dataset(data.field, "prompt_names"),
    script:
        "../workflow_scripts/name_classes.py"


rule find_duplicates:
    input:
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        test="results/datasets/{dataset}/test.parquet",
    output:
        csv="results/datasets/{dataset}/duplicates.csv",
        md="results/datasets/{dataset}/duplicates.md",
    log:
        "logs/find_duplicates/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        distance=config["duplicates"]["distance"],
    script:
        "../workflow_scripts/find_duplicates.py"
