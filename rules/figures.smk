"""Figures, by kind (config/tables.yaml).

Needs:  results/tables/{figure}.runs.csv, results/consistency/{figure}/…, image sets
Makes:  results/figures/{figure}.pdf, results/figures/{figure}.png; results/paper/{figure}.pdf, .png (as published)
"""


rule plot_overview:
    input:
        runs="results/tables/{figure}.runs.csv",
        paper=paper_numbers,
        originals=shown_tables("results/datasets/{dataset}/train.parquet"),
        sets=of_entry(shown.figure_sets),
        choices=of_entry(shown.figure_choices),
        code=modules("figures", "figure_style", "tables", "results_table")
        + modules("paper_numbers", "gallery", "paired_tests", "significance"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "figure1"),
    log:
        "logs/plot_overview/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("overview")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        paper_names=of_entry(shown.paper_names),
        base="backbone",
        recipes=of_entry(shown.shown_recipes),
        seed=config["image_seed"],
    script:
        "../workflow_scripts/plot_overview.py"


rule plot_paper_overview:
    input:
        paper=paper_numbers,
        code=modules("figures", "figure_style", "tables", "paper_numbers", "results_table"),
    output:
        pdf="results/paper/{figure}.pdf",
        png=report("results/paper/{figure}.png", category="7 As published", caption="../report/paper_figure.rst"),
    log:
        "logs/plot_paper_overview/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("overview")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        paper_names=of_entry(shown.paper_names),
        cells=of_entry(matrix.cells),
        base="backbone",
    script:
        "../workflow_scripts/plot_paper_overview.py"


rule plot_similarity:
    input:
        measured=of_entry(shown.measurements),
        paper=paper_numbers,
        code=modules("figures", "figure_frames", "figure_panels", "figure_style", "classes"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "figure3"),
    log:
        "logs/plot_similarity/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("similarity")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        paper_names=of_entry(shown.paper_names),
    script:
        "../workflow_scripts/plot_similarity.py"


rule plot_consistency:
    input:
        measured=of_entry(shown.measurements),
        code=modules("figures", "figure_panels", "figure_style", "classes"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "consistency"),
    log:
        "logs/plot_consistency/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("plane")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
    script:
        "../workflow_scripts/plot_consistency.py"


rule plot_cases:
    input:
        originals=shown_tables("results/datasets/{dataset}/train.parquet"),
        classes=shown_tables("results/datasets/{dataset}/classes.csv"),
        perturbed=shown_tables("results/cases/{figure}/{dataset}.parquet"),
        sets=of_entry(shown.figure_sets),
        choices=of_entry(shown.figure_choices),
        code=modules("gallery", "picture_grid", "figure_style", "classes"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "figure4"),
    log:
        "logs/plot_cases/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("cases")),
    conda:
        "../envs/analysis.yaml"
    params:
        datasets=figure_field("datasets"),
        recipes=of_entry(shown.shown_recipes),
        title=figure_field("title"),
        columns=of_entry(shown.case_columns),
        number=figure_field("count"),
        seed=config["image_seed"],
    script:
        "../workflow_scripts/plot_cases.py"


rule plot_noise_guidance:
    input:
        originals=shown_table("results/datasets/{dataset}/train.parquet"),
        classes=shown_table("results/datasets/{dataset}/classes.csv"),
        sets=of_entry(shown.figure_sets),
        code=modules("gallery", "picture_grid", "figure_style", "classes"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "figure5"),
    log:
        "logs/plot_noise_guidance/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("grid")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        seed=config["image_seed"],
    script:
        "../workflow_scripts/plot_noise_guidance.py"


rule plot_gallery:
    input:
        originals=shown_table("results/datasets/{dataset}/train.parquet"),
        classes=shown_table("results/datasets/{dataset}/classes.csv"),
        sets=of_entry(shown.figure_sets),
        code=modules("gallery", "picture_grid", "figure_style", "classes"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "gallery"),
    log:
        "logs/plot_gallery/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("gallery")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        columns=of_entry(shown.gallery_columns),
        number=figure_field("count"),
        seed=config["image_seed"],
    script:
        "../workflow_scripts/plot_gallery.py"
