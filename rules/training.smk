"""Classifiers.

Needs:  results/datasets/{dataset}/…, the image sets of a method, results/selection/{dataset}/{recipe}.json
Makes:  results/selection/{dataset}/{recipe}/noise-{noise}/seed-{seed}.json (on validation, for the choice)
        results/runs/{dataset}/{backbone}/{method}/seed-{seed}.json (on test, once)
"""


rule train_candidate:
    input:
        train="results/datasets/{dataset}/train.parquet",
        validation="results/datasets/{dataset}/validation.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        images="results/images/{dataset}/{recipe}/noise-{noise}.json",
        weights=matrix.model(config["backbones"][config["selection"]["backbone"]].get("weights")),
    output:
        "results/selection/{dataset}/{recipe}/noise-{noise}/seed-{seed}.json",
    log:
        "logs/train_candidate/{dataset}/{recipe}/noise-{noise}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_candidate/{dataset}/{recipe}/noise-{noise}/seed-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        gpu=1,
    params:
        backbone_name=config["selection"]["backbone"],
        backbone=backbone_entry(config["selection"]["backbone"]),
        seed=config["image_seed"],
        image_size=dataset_field("image_size"),
        miniature=is_miniature,
    script:
        "../workflow_scripts/train_candidate.py"


rule train_classifier:
    input:
        train="results/datasets/{dataset}/train.parquet",
        test="results/datasets/{dataset}/test.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        images=images_of,
        choice=choice_of,
        weights=weights_of,
    output:
        "results/runs/{dataset}/{backbone}/{method}/seed-{seed}.json",
    log:
        "logs/train_classifier/{dataset}/{backbone}/{method}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_classifier/{dataset}/{backbone}/{method}/seed-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        gpu=1,
    params:
        backbone=lambda wildcards: backbone_entry(wildcards.backbone),
        online=method_field("online", {}),
        seed=config["image_seed"],
        image_size=dataset_field("image_size"),
        mix=config["training"]["mix"],
        miniature=is_miniature,
    script:
        "../workflow_scripts/train_classifier.py"
