"""The site: pages that open offline, with every number's way back to its runs.

Needs:  results/tables/{table}.csv, .runs.csv, .tests.csv (or those below results/partial), .predictions.csv of tables
        that test a row, results/figures/…, results/selection/…; read where they are there: results/runs/…,
        results/benchmarks/…
Makes:  results/site/index.html, results/site/tables/{table}.html, results/site/pictures/{dataset}.html (originals beside
        what the image sets of the build have of them), results/site/figures/{figure}.png, .pdf and .csv;
        results/partial/site/… the same from the runs that are there
"""


rule show_table:
    input:
        cells=of_site(SitePages.of_table, "table", suffix=".csv"),
        runs=of_site(SitePages.of_table, "table", suffix=".runs.csv"),
        tests=of_site(SitePages.of_table, "table", suffix=".tests.csv"),
        predictions=of_site(SitePages.predictions, "table"),
        templates=expand("report/site_{name}.html.j2", name=["base", "parts", "table"]),
        code=modules("html_pages", "site", "site_runs", "site_tables", "table_notes")
        + modules("table_formats", "tables", "paired_tests", "results_table"),
    output:
        "results/{site}/tables/{table}.html",
    log:
        "logs/show_table/{site}/{table}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        layout=of_site(SitePages.table, "table"),
        records=of_site(SitePages.found_runs, "table"),
    script:
        "../workflow_scripts/show_table.py"


rule show_pictures:
    input:
        files=of_site(SitePages.needed_files, "dataset"),
        templates=expand("report/site_{name}.html.j2", name=["base", "pictures"]),
        code=modules(
            "html_pages", "image_samples", "site", "site_pictures", "classes", "prompts", "rejects", "results_table"
        ),
    output:
        "results/{site}/pictures/{dataset}.html",
    log:
        "logs/show_pictures/{site}/{dataset}.log",
    conda:
        "../envs/generation.yaml"
    params:
        gallery=of_site(SitePages.gallery, "dataset"),
        found=of_site(SitePages.found_files, "dataset"),
        originals=config["site"]["originals"],
        side=config["pages"]["thumbnail"],
        seed=config["image_seed"],
    script:
        "../workflow_scripts/show_pictures.py"


rule copy_figure:
    input:
        "results/figures/{figure}.{suffix}",
    output:
        "results/site/figures/{figure}.{suffix}",
    log:
        "logs/copy_figure/{figure}.{suffix}.log",
    wildcard_constraints:
        suffix="png|pdf|csv",
    conda:
        "../envs/analysis.yaml"
    shell:
        "cp {input} {output} 2> {log}"


rule index_site:
    input:
        cells=of_site(SitePages.of_tables, suffix=".csv"),
        runs=of_site(SitePages.of_tables, suffix=".runs.csv"),
        pictures=of_site(SitePages.pictures),
        choices=of_site(SitePages.needed_selections),
        captions=of_site(SitePages.captions),
        templates=expand("report/site_{name}.html.j2", name=["base", "parts", "index"]),
        code=modules("html_pages", "benchmark_files", "site", "site_costs")
        + modules("site_tables", "table_formats", "tables", "results_table"),
    output:
        "results/{site}/index.html",
    log:
        "logs/index_site/{site}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        layout=of_site(SitePages.layout),
        found=of_site(SitePages.found_selections),
        benchmarks=of_site(SitePages.found_benchmarks),
        gaps=of_site(SitePages.gaps),
    script:
        "../workflow_scripts/index_site.py"


rule site:
    input:
        sites["site"].files(),


rule partial_site:
    input:
        sites["partial/site"].files(),
