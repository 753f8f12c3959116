"""Rule fetch_model: the weights of one model at its pinned revision."""

from sgid.runtime import job_log
from sgid.weights import fetch

with job_log(snakemake.log[0]):
    fetch(snakemake.wildcards.model, snakemake.params.model, snakemake.output[0])
