"""Rule fetch_model: the weights of one model at its pinned revision, verified, and what they are."""

from pathlib import Path

from sgid.datasets.fetching import resource_roots
from sgid.runtime import job_log, write_json
from sgid.weights import fetch_model

with job_log(snakemake.log[0]):
    name, output = snakemake.wildcards.model, Path(snakemake.output[0])
    roots = resource_roots(snakemake.config["resources_root"])
    write_json(fetch_model(name, snakemake.config["models"][name], output.parent, roots=roots), output)
