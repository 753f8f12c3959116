"""The named targets: `all`, one for each table and figure, and what `make demo` asks for."""


rule all:
    input:
        matrix.build(),


for name in matrix.names:

    rule:
        name:
            name
        input:
            matrix.targets(name),


rule datasets:
    input:
        expand("results/datasets/{dataset}/classes.csv", dataset=config["datasets"]),


rule models:
    input:
        [matrix.model(name) for name in matrix.models_needed()],
