"""Tables, each from one long-form table of runs, and the paper's own numbers in the same layout.

Needs:  results/runs/…, results/predictions/…; config/paper/{paper}.csv (the published numbers)
Makes:  results/tables/{table}.runs.csv, .tests.csv, .csv, .md, .tex, .html from all planned runs, .predictions.csv;
        results/partial/{table}.… the same from the runs that are there; results/paper/{table}.csv, .md, .tex, .html
"""


rule collect_runs:
    input:
        runs=lambda wildcards: [run.path for run in matrix.runs([wildcards.table])],
    output:
        report("results/tables/{table}.runs.csv", category="5 Runs", caption="../report/runs.rst"),
    log:
        "logs/collect_runs/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        table="{table}",
        cells=of_entry(matrix.cells),
        seeds=config["seeds"],
    script:
        "../workflow_scripts/collect_runs.py"


# Runs are no inputs here but params: what is there is read, nothing is run, and a build may be running beside.
rule collect_partial_runs:
    output:
        "results/partial/{table}.runs.csv",
    log:
        "logs/collect_partial_runs/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        table="{table}",
        cells=of_entry(matrix.cells),
        seeds=config["seeds"],
        found=runs_found,
    script:
        "../workflow_scripts/collect_partial_runs.py"


rule test_significance:
    input:
        "results/{stage}/{table}.runs.csv",
        code=modules("significance", "paired_tests", "results_table"),
    output:
        report("results/{stage}/{table}.tests.csv", category="3 Significance", caption="../report/tests.rst"),
    log:
        "logs/test_significance/{stage}/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        star=of_entry(shown.star),
    script:
        "../workflow_scripts/test_significance.py"


rule compare_predictions:
    input:
        runs="results/tables/{table}.runs.csv",
        tests="results/tables/{table}.tests.csv",
        predictions=starred_predictions,
        code=modules("prediction_tests", "results_table"),
    output:
        report("results/tables/{table}.predictions.csv", category="3 Significance", caption="../report/predictions.rst"),
    log:
        "logs/compare_predictions/{table}.log",
    conda:
        "../envs/analysis.yaml"
    script:
        "../workflow_scripts/compare_predictions.py"


rule render_table:
    input:
        runs="results/{stage}/{table}.runs.csv",
        tests="results/{stage}/{table}.tests.csv",
        paper=paper_numbers,
        code=modules("tables", "table_formats", "table_notes", "paper_numbers", "results_table", "paired_tests"),
    output:
        csv="results/{stage}/{table}.csv",
        md="results/{stage}/{table}.md",
        tex="results/{stage}/{table}.tex",
        html=report("results/{stage}/{table}.html", category="1 Tables", caption="../report/table.rst"),
    log:
        "logs/render_table/{stage}/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        title=of_entry(shown.title),
        titles=of_entry(shown.titles),
        paper_names=of_entry(shown.paper_names),
        star=of_entry(shown.star),
    script:
        "../workflow_scripts/render_table.py"


rule render_paper_table:
    input:
        paper=paper_numbers,
        code=modules("tables", "table_formats", "table_notes", "paper_numbers", "results_table"),
    output:
        csv="results/paper/{table}.csv",
        md="results/paper/{table}.md",
        tex="results/paper/{table}.tex",
        html=report("results/paper/{table}.html", category="7 As published", caption="../report/paper_table.rst"),
    log:
        "logs/render_paper_table/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        cells=of_entry(matrix.cells),
        title=of_entry(shown.title),
        titles=of_entry(shown.titles),
        paper_names=of_entry(shown.paper_names),
    script:
        "../workflow_scripts/render_paper_table.py"
