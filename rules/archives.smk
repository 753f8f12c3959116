"""Results moved between checkouts (docs/distributed.md).

Needs:  a finished build, table or figure; for an import, the archive that `archive` in the configuration names
Makes:  results/archives/{archived}.tar; an import brings the results that an archive has and this checkout lacks
"""


rule pack_results:
    input:
        archived_files,
    output:
        "results/archives/{archived}.tar",
    log:
        "logs/pack_results/{archived}.log",
    conda:
        "../envs/analysis.yaml"
    script:
        "../workflow_scripts/pack_results.py"


# Makes nothing that it declares, so that it runs whenever it is asked for.
rule import_archive:
    log:
        "logs/import_archive.log",
    conda:
        "../envs/analysis.yaml"
    params:
        archive=config["archive"],
    script:
        "../workflow_scripts/import_archive.py"
