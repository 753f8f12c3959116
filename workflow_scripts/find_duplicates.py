"""Rule find_duplicates: pictures that stand in two splits of one data set."""

from sgid.datasets.duplicates import find_duplicates, report, signatures
from sgid.image_table import read_table, read_test_table
from sgid.results_table import write_frame
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    files, distance = snakemake.input, snakemake.params.distance
    tables = {
        "train": read_table(files.train),
        "validation": read_table(files.validation),
        "test": read_test_table(files.test),
    }
    found = find_duplicates({split: signatures(table) for split, table in tables.items()}, distance=distance)
    sizes = {split: len(table) for split, table in tables.items()}
    write_frame(found, snakemake.output.csv)
    write_text(report(snakemake.wildcards.dataset, found, sizes, distance=distance), snakemake.output.md)
