"""Before, during and after a build: what it takes, whether it can run, how far it is.

Needs:  nothing; whatever results and downloads are there are looked at
Makes:  results/plan/{name}.md, .csv and .json (name: a table, a figure, `augment` or `build`)
"""


# Makes nothing that Snakemake knows of, so that it runs whenever it is asked for, beside a build too.
rule plan:
    log:
        "logs/plan/build.log",
    conda:
        "../envs/analysis.yaml"
    params:
        name="build",
        names=config["build"],
    script:
        "../workflow_scripts/plan.py"


# Fails where the build cannot run as it stands.
rule preflight:
    log:
        "logs/preflight/build.log",
    conda:
        "../envs/generation.yaml"
    params:
        name="build",
        names=config["build"],
    script:
        "../workflow_scripts/preflight.py"


rule status:
    log:
        "logs/status/build.log",
    conda:
        "../envs/analysis.yaml"
    params:
        name="build",
        names=config["build"],
    script:
        "../workflow_scripts/status.py"


for name in PLANNED:

    rule:
        name:
            f"plan_{name}"
        log:
            f"logs/plan/{name}.log",
        conda:
            "../envs/analysis.yaml"
        params:
            name=name,
            names=plannable(name),
        script:
            "../workflow_scripts/plan.py"

    rule:
        name:
            f"preflight_{name}"
        log:
            f"logs/preflight/{name}.log",
        conda:
            "../envs/generation.yaml"
        params:
            name=name,
            names=plannable(name),
        script:
            "../workflow_scripts/preflight.py"

    rule:
        name:
            f"status_{name}"
        log:
            f"logs/status/{name}.log",
        conda:
            "../envs/analysis.yaml"
        params:
            name=name,
            names=plannable(name),
        script:
            "../workflow_scripts/status.py"
