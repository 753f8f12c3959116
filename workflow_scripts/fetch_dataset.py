"""Rule fetch_dataset: the archives of one data set, verified, and what they are."""

from pathlib import Path

from sgid.datasets.fetching import fetch_dataset, resource_roots
from sgid.runtime import job_log, write_json

with job_log(snakemake.log[0]):
    name, output = snakemake.wildcards.dataset, Path(snakemake.output[0])
    entry = snakemake.config["datasets"][name]
    record = fetch_dataset(
        name,
        entry["archives"],
        output.parent,
        roots=resource_roots(snakemake.config["resources_root"]),
        repacking=entry.get("repacking"),
    )
    write_json(record, output)
