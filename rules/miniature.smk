"""The tiny models of the demo and the tests, trained ahead; their weights are committed under resources/miniature.

Needs:  nothing (the drawn world is made of seeds)
Makes:  results/miniature/{part}/model.json beside its weights; `install_miniature` copies them where the demo reads;
        results/miniature/{dataset}.{json,md} (how good they are on the experiment's own pictures)
"""


rule train_miniature:
    input:
        parts_before,
    output:
        "results/miniature/{part}/model.json",
    log:
        "logs/train_miniature/{part}.log",
    benchmark:
        "results/benchmarks/train_miniature/{part}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    script:
        "../workflow_scripts/train_miniature.py"


rule install_miniature:
    input:
        expand("results/miniature/{part}/model.json", part=PARTS),
    output:
        touch("results/miniature/installed"),
    log:
        "logs/install_miniature.log",
    conda:
        "../envs/generation.yaml"
    script:
        "../workflow_scripts/install_miniature.py"


rule judge_miniature:
    input:
        train="results/datasets/{dataset}/train.parquet",
        captions=lambda wildcards: matrix.caption_files(wildcards.dataset, ["beam", "nucleus"]),
        sets=judged_sets,
        clip="resources/miniature/clip/model.json",
        evaluator="resources/miniature/evaluator/model.json",
    output:
        json="results/miniature/{dataset}.json",
        md=report("results/miniature/{dataset}.md", category="6 Miniature", caption="../report/miniature.rst"),
    log:
        "logs/judge_miniature/{dataset}.log",
    benchmark:
        "results/benchmarks/judge_miniature/{dataset}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    script:
        "../workflow_scripts/judge_miniature.py"
