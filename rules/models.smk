"""Weights.

Needs:  nothing (config/config.yaml names each model's id and revision)
Makes:  resources/models/{model}/model.json, beside the files of the pinned revision
"""


rule fetch_model:
    output:
        "resources/models/{model}/model.json",
    log:
        "logs/fetch_model/{model}.log",
    conda:
        "../envs/generation.yaml"
    params:
        model=lambda wildcards: config["models"][wildcards.model],
    script:
        "../workflow_scripts/fetch_model.py"
