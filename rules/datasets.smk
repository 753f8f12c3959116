"""Data sets.

Needs:  nothing, or the archives named in config/datasets.yaml
Makes:  resources/datasets/{dataset}/archives.json, results/datasets/{dataset}/{train,validation,test}.parquet, classes.csv
"""


rule fetch_dataset:
    output:
        "resources/datasets/{dataset}/archives.json",
    log:
        "logs/fetch_dataset/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        source=dataset_field("source"),
    script:
        "../workflow_scripts/fetch_dataset.py"


rule prepare_dataset:
    input:
        archives=archives_of,
    output:
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        test="results/datasets/{dataset}/test.parquet",
        classes="results/datasets/{dataset}/classes.csv",
    log:
        "logs/prepare_dataset/{dataset}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        source=dataset_field("source"),
        classes=dataset_field("classes"),
        train=dataset_field("train"),
        test=dataset_field("test"),
        validation=dataset_field("validation"),
    script:
        "../workflow_scripts/prepare_dataset.py"
