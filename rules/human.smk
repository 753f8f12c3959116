"""Human evaluation (Table 2; paper, section 4.4): pages for annotators, and the table from the sheets that they save.

Needs:  image sets of the rated methods; for the table, sheets in the folder that `human.{evaluation}.sheets` names
Makes:  results/human/{evaluation}/pages/annotator-{annotator}/{dataset}.html (for annotators) and keys/{dataset}.json
        (not for them), ratings.csv, scores.csv and agreement.csv; results/tables/{evaluation}.csv, .md, .tex, .html
"""


rule sample_items:
    input:
        originals="results/datasets/{dataset}/train.parquet",
        classes="results/datasets/{dataset}/classes.csv",
        sets=of_evaluation(human.sets, "dataset"),
        choices=of_evaluation(human.choices, "dataset"),
    output:
        pictures="results/human/{evaluation}/items/{dataset}.parquet",
        key="results/human/{evaluation}/keys/{dataset}.json",
    log:
        "logs/sample_items/{evaluation}/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    params:
        kit=of_evaluation(human.kit, "dataset"),
        extent=of_evaluation(human.extent, "dataset"),
        recipes=of_evaluation(human.recipes),
        online=of_evaluation(human.online),
        annotators=evaluation_field("annotators"),
    script:
        "../workflow_scripts/sample_items.py"


rule write_annotation_page:
    input:
        pictures="results/human/{evaluation}/items/{dataset}.parquet",
        template="report/ratings.html.j2",
        code=modules("html_pages", "rating_pages", "rating_items", "rating_sheets"),
    output:
        "results/human/{evaluation}/pages/annotator-{annotator}/{dataset}.html",
    log:
        "logs/write_annotation_page/{evaluation}/annotator-{annotator}/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    params:
        kit=of_evaluation(human.kit, "dataset"),
    script:
        "../workflow_scripts/write_annotation_page.py"


rule simulate_sheet:
    input:
        key="results/human/{evaluation}/keys/{dataset}.json",
        code=modules("rating_simulation", "rating_items", "rating_pages", "rating_sheets"),
    output:
        "results/human/{evaluation}/simulated/annotator-{annotator}/{dataset}.csv",
    log:
        "logs/simulate_sheet/{evaluation}/annotator-{annotator}/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    script:
        "../workflow_scripts/simulate_sheet.py"


rule collect_ratings:
    input:
        sheets=refusing(human.sheets, "evaluation"),
        known=of_evaluation(human.keys),
        code=modules("agreement", "intervals", "rating_means", "rating_sheets", "rating_items", "results_table"),
    output:
        ratings="results/human/{evaluation}/ratings.csv",
        scores="results/human/{evaluation}/scores.csv",
        agreement="results/human/{evaluation}/agreement.csv",
    log:
        "logs/collect_ratings/{evaluation}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        allowed=evaluation_field("checks", "allowed"),
        rows=evaluation_field("rows"),
        datasets=evaluation_field("datasets"),
    script:
        "../workflow_scripts/collect_ratings.py"


rule render_ratings:
    input:
        ratings="results/human/{evaluation}/ratings.csv",
        scores="results/human/{evaluation}/scores.csv",
        agreement="results/human/{evaluation}/agreement.csv",
        paper=of_evaluation(human.paper),
        code=modules("rating_notes", "rating_tables", "tables", "table_formats")
        + modules("results_table", "paper_numbers", "rating_items", "rating_means"),
    output:
        csv="results/tables/{evaluation}.csv",
        md="results/tables/{evaluation}.md",
        tex="results/tables/{evaluation}.tex",
        html=report("results/tables/{evaluation}.html", category="1 Tables", caption="../report/ratings.rst"),
    log:
        "logs/render_ratings/{evaluation}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        layout=of_evaluation(human.layout),
        accuracy=of_evaluation(human.accuracy_plan),
        runs=of_evaluation(human.accuracy_runs),
    script:
        "../workflow_scripts/render_ratings.py"


rule render_paper_ratings:
    input:
        paper=of_evaluation(human.paper),
        code=modules("paper_numbers", "rating_notes", "rating_tables", "tables")
        + modules("table_formats", "rating_means", "results_table"),
    output:
        csv="results/paper/{evaluation}.csv",
        md="results/paper/{evaluation}.md",
        tex="results/paper/{evaluation}.tex",
        html=report("results/paper/{evaluation}.html", category="7 As published", caption="../report/paper_ratings.rst"),
    log:
        "logs/render_paper_ratings/{evaluation}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        layout=of_evaluation(human.layout),
    script:
        "../workflow_scripts/render_paper_ratings.py"


rule annotation_kit:
    input:
        human.kit_targets(),


rule simulated_ratings:
    input:
        [path for name in config["human"] for path in human.simulated(name)],


for name in config["human"]:

    rule:
        name:
            name
        input:
            human.files(name),
