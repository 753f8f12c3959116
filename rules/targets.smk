"""The named targets: `all`, one for each table and figure, and what `make demo` asks for."""


rule all:
    input:
        matrix.build(),
        [filters.reports(name) for name in config["build"]],


for name in matrix.names:

    rule:
        name:
            name
        input:
            matrix.targets(name),
            filters.reports(name),


for name in config["datasets"]:

    rule:
        name:
            f"dataset_{name}"
        input:
            data.files(name),


for name in ["build", "images", *matrix.names]:

    rule:
        name:
            f"archive_{name}"
        input:
            f"results/archives/{name}.tar",


rule archives:
    input:
        [data.record(name) for name in config["datasets"]],


rule datasets:
    input:
        [data.files(name) for name in config["datasets"]],


rule models:
    input:
        models_needed(matrix),


rule captions_report:
    input:
        caption_reports.pages(),


rule image_pages:
    input:
        image_pages.page_targets(),


rule filter_report:
    input:
        filters.all_reports(),


rule export_images:
    input:
        image_pages.export_targets(),


rule augment:
    input:
        refusing(image_pages.augment_targets),


rule partial_tables:
    input:
        [shown.partial_files(name) for name in config["build"] if name in matrix.tables],


for name in matrix.tables:

    rule:
        name:
            f"progress_{name}"
        input:
            shown.partial_files(name),


rule paper_tables:
    input:
        expand("results/paper/{table}.md", table=[*shown.paper_tables(), *human.published()]),


rule paper_figures:
    input:
        expand("results/paper/{figure}.png", figure=shown.paper_overviews()),


rule miniature_quality:
    input:
        expand(
            "results/miniature/{dataset}.md",
            dataset=[name for name in config["datasets"] if matrix.is_drawn(name)],
        ),
