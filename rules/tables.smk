"""Tables, each from one long-form table of runs, and the paper's own numbers in the same layout.

Needs:  results/runs/…; config/paper/{paper}.csv (the published numbers)
Makes:  results/tables/{table}.runs.csv, .tests.csv, .csv, .md, .tex, .html; results/paper/{table}.csv, .md, .tex, .html
"""


rule collect_runs:
    input:
        runs=lambda wildcards: [run.path for run in matrix.runs([wildcards.table])],
    output:
        report("results/tables/{table}.runs.csv", category="Runs", caption="../report/runs.rst"),
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


rule test_significance:
    input:
        "results/tables/{table}.runs.csv",
        code=modules("significance", "results_table"),
    output:
        report("results/tables/{table}.tests.csv", category="Significance", caption="../report/tests.rst"),
    log:
        "logs/test_significance/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        star=of_entry(shown.star),
    script:
        "../workflow_scripts/test_significance.py"


rule render_table:
    input:
        runs="results/tables/{table}.runs.csv",
        tests="results/tables/{table}.tests.csv",
        paper=paper_numbers,
        code=modules("tables", "table_formats", "table_notes", "paper_numbers"),
    output:
        csv="results/tables/{table}.csv",
        md="results/tables/{table}.md",
        tex="results/tables/{table}.tex",
        html=report("results/tables/{table}.html", category="Tables", caption="../report/table.rst"),
    log:
        "logs/render_table/{table}.log",
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
        code=modules("tables", "table_formats", "table_notes", "paper_numbers"),
    output:
        csv="results/paper/{table}.csv",
        md="results/paper/{table}.md",
        tex="results/paper/{table}.tex",
        html=report("results/paper/{table}.html", category="As published", caption="../report/paper_table.rst"),
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
