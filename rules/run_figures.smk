"""Figures of choices and runs, by kind (config/tables.yaml): what the paper does not show.

Needs:  results/selection/{dataset}/{recipe}.json, results/runs/…, results/tables/{figure}.runs.csv, results/benchmarks/…
Makes:  results/figures/{figure}.pdf, .png, and .csv (the numbers that are drawn)
"""


rule plot_noise:
    input:
        choices=of_entry(shown.figure_choices),
        code=modules("figure_frames", "run_figures", "figure_panels", "figure_style", "results_table"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "noise"),
        csv="results/figures/{figure}.csv",
    log:
        "logs/plot_noise/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("noise")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        rows=of_entry(shown.rows_of_recipes),
        miniature=of_entry(shown.is_miniature),
    script:
        "../workflow_scripts/plot_noise.py"


rule plot_classes:
    input:
        runs=runs_of_figure,
        code=modules("figure_frames", "paired_tests", "run_figures", "figure_panels", "figure_style", "results_table"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "classes"),
        csv="results/figures/{figure}.csv",
    log:
        "logs/plot_classes/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("classes")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        cells=of_entry(matrix.cells),
        base="backbone",
        number=figure_field("count"),
    script:
        "../workflow_scripts/plot_classes.py"


rule plot_curves:
    input:
        runs=runs_of_figure,
        code=modules("figure_frames", "run_figures", "figure_panels", "figure_style", "results_table"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "curves"),
        csv="results/figures/{figure}.csv",
    log:
        "logs/plot_curves/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("curves")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        cells=of_entry(matrix.cells),
    script:
        "../workflow_scripts/plot_curves.py"


rule plot_cost:
    input:
        runs="results/tables/{figure}.runs.csv",
        code=modules("benchmark_files", "figure_frames", "paired_tests", "results_table")
        + modules("cost_figure", "figure_panels", "figure_style", "cost_plan"),
    output:
        pdf="results/figures/{figure}.pdf",
        png=reported("png", "cost"),
        csv="results/figures/{figure}.csv",
    log:
        "logs/plot_cost/{figure}.log",
    wildcard_constraints:
        figure=one_of(shown.of_kind("cost")),
    conda:
        "../envs/analysis.yaml"
    params:
        title=figure_field("title"),
        titles=of_entry(shown.titles),
        ledger=of_entry(cost_plan.ledger),
        found=of_entry(cost_plan.found),
        base="backbone",
    script:
        "../workflow_scripts/plot_cost.py"
