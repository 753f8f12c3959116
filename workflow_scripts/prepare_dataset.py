"""Rule prepare_dataset: one data set as image tables, with an index of its images and the official class names."""

from pathlib import Path

from sgid.datasets import SPLITS, prepare, request_of
from sgid.datasets.fetching import fetched_files
from sgid.datasets.naming import listed_names
from sgid.results_table import write_frame
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    # Where a folder lies and how many images it should have are no params: a moved folder is the same data set.
    entry = snakemake.config["datasets"][snakemake.wildcards.dataset] | params.entry
    request = request_of(
        entry,
        files=fetched_files(files.archives),
        split_files=files.split,
        names=listed_names(files.names),
        seed=params.seed or 0,
    )
    data = prepare(snakemake.wildcards.dataset, entry, request, workspace=Path(output.train).parent)
    for split in SPLITS:
        data.write(split, output[split])
    write_frame(data.index, output.index)
    write_frame(data.labels, output.labels)
    write_frame(data.left_out, output.left_out)
