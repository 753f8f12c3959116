"""Rule prepare_dataset: one data set as image tables, and its classes."""

from pathlib import Path

from sgid.datasets import SPLITS, prepare
from sgid.image_table import write_table
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    sizes = {"train": snakemake.params.train, "test": snakemake.params.test}
    data = prepare(snakemake.params.source, [Path(path) for path in snakemake.input.archives], sizes=sizes)
    for split in SPLITS:
        write_table(data.splits[split], snakemake.output[split])
    data.classes.to_csv(snakemake.output.classes, index=False)
