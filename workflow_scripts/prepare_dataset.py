"""Rule prepare_dataset: one data set as image tables, and its classes."""

from pathlib import Path

from sgid.datasets import SPLITS, prepare
from sgid.image_table import write_table
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    params, archives = snakemake.params, [Path(path) for path in snakemake.input.archives]
    sizes = {"train": params.train, "test": params.test}
    data = prepare(params.source, archives, sizes=sizes, classes=params.classes)
    for split in SPLITS:
        write_table(data.splits[split], snakemake.output[split])
    data.classes.to_csv(snakemake.output.classes, index=False)
