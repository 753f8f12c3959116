"""What validation chose, and how far augmented images stay with their originals (paper, sections 3.2 and 4.4).

Needs:  validation runs; image sets, the tables of originals, the encoder of a figure (CLIP)
Makes:  results/selection/{dataset}/{recipe}.json (a noise rate), results/selection/{dataset}/methods/{method}.json (a
        recipe and its noise rate), results/consistency/{figure}/{dataset}/{method}.csv,
        results/cases/{figure}/{dataset}.parquet (perturbed originals to look at)
"""


rule choose_noise:
    input:
        of_recipe(matrix.candidates),
    output:
        report(
            "results/selection/{dataset}/{recipe}.json",
            category="4 Selection",
            caption="../report/selection.rst",
        ),
    log:
        "logs/choose_noise/{dataset}/{recipe}.log",
    conda:
        "../envs/analysis.yaml"
    script:
        "../workflow_scripts/choose_noise.py"


rule choose_recipe:
    input:
        candidates_of,
    output:
        report(
            "results/selection/{dataset}/methods/{method}.json",
            category="4 Selection",
            caption="../report/selection.rst",
        ),
    log:
        "logs/choose_recipe/{dataset}/{method}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        recipes=recipes_of,
    script:
        "../workflow_scripts/choose_recipe.py"


rule measure_consistency:
    input:
        originals=["results/datasets/{dataset}/train.parquet"],
        classes="results/datasets/{dataset}/classes.csv",
        images=measured_sets,
        choice=measured_choice,
        model=measuring_model,
    output:
        "results/consistency/{figure}/{dataset}/{method}.csv",
    log:
        "logs/measure_consistency/{figure}/{dataset}/{method}.log",
    benchmark:
        "results/benchmarks/measure_consistency/{figure}/{dataset}/{method}.tsv"
    conda:
        "../envs/generation.yaml"
    resources:
        gpu=1,
    params:
        online=method_field("online", {}),
        replicates=figure_field("replicates"),
        per_class=figure_field("per_class"),
        size=dataset_field("image_size"),
        batch_size=config["similarity"]["batch_size"],
        base_seed=config["image_seed"],
        miniature=is_miniature,
    script:
        "../workflow_scripts/measure_consistency.py"


rule perturb_images:
    input:
        originals="results/datasets/{dataset}/train.parquet",
    output:
        "results/cases/{figure}/{dataset}.parquet",
    log:
        "logs/perturb_images/{figure}/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    params:
        online=of_entry(shown.perturbations),
        size=dataset_field("image_size"),
        base_seed=config["image_seed"],
    script:
        "../workflow_scripts/perturb_images.py"
