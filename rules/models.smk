"""Weights of the real models.

Needs:  the hub, a copy below `resources_root`, or a folder of one's own (`models` in config/config.yaml)
Makes:  resources/models/{model}/model.json, beside the files of the pinned revision or links to yours
"""


rule fetch_model:
    output:
        "resources/models/{model}/model.json",
    log:
        "logs/fetch_model/{model}.log",
    wildcard_constraints:
        model=one_of(config["models"]),
    conda:
        "../envs/generation.yaml"
    params:
        known_by=lambda wildcards: matrix.model_identity(wildcards.model),
    script:
        "../workflow_scripts/fetch_model.py"
