"""Classifiers.

Needs:  results/datasets/{dataset}/…, the image sets of a method, results/selection/{dataset}/{recipe}.json
Makes:  results/selection/{dataset}/{recipe}/noise-{noise}/seed-{seed}.json (on validation, for the choice)
        results/runs/{dataset}/{backbone}/{method}/seed-{seed}.json (on test, once), with its predictions
"""


rule train_candidate:
    input:
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        images="results/images/{dataset}/{recipe}/noise-{noise}.json",
        exclude=excluded_by,
        weights=matrix.model(config["backbones"][config["selection"]["backbone"]].get("weights")),
    output:
        runs=of_seeds("results/selection/{dataset}/{recipe}/noise-{noise}/seed-{seed}.json", candidate_seeds),
    log:
        of_job("logs/train_candidate/{dataset}/{recipe}/noise-{noise}/seed-{seed}.log"),
    benchmark:
        of_job("results/benchmarks/train_candidate/{dataset}/{recipe}/noise-{noise}/seed-{seed}.tsv")
    conda:
        "../envs/training.yaml"
    resources:
        gpu=1,
    params:
        **of_all_runs,
        backbone_name=config["selection"]["backbone"],
        backbone=backbone_entry(config["selection"]["backbone"]),
    script:
        "../workflow_scripts/train_candidate.py"


rule train_classifier:
    input:
        **of_method,
        train="results/datasets/{dataset}/train.parquet",
        test="results/datasets/{dataset}/test.parquet",
        classes="results/datasets/{dataset}/classes.csv",
    output:
        runs=of_seeds("results/runs/{dataset}/{backbone}/{method}/seed-{seed}.json"),
        predictions=of_seeds("results/predictions/{dataset}/{backbone}/{method}/seed-{seed}.parquet"),
    log:
        of_job("logs/train_classifier/{dataset}/{backbone}/{method}/seed-{seed}.log"),
    benchmark:
        of_job("results/benchmarks/train_classifier/{dataset}/{backbone}/{method}/seed-{seed}.tsv")
    conda:
        "../envs/training.yaml"
    resources:
        gpu=1,
    params:
        **of_all_runs,
        backbone=lambda wildcards: backbone_entry(wildcards.backbone),
        online=method_field("online", {}),
    script:
        "../workflow_scripts/train_classifier.py"
