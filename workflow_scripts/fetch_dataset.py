"""Rule fetch_dataset: the archives of one data set, verified."""

from sgid.datasets import loader
from sgid.runtime import job_log, write_json

with job_log(snakemake.log[0]):
    loader(snakemake.params.source)
    write_json({}, snakemake.output[0])
