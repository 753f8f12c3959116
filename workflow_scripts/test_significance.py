"""Rule test_significance: the tested row against the best baseline of every column of one table."""

from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log
from sgid.significance import compare_with_best

with job_log(snakemake.log[0]):
    runs = read_frame(snakemake.input[0])
    write_frame(compare_with_best(runs, snakemake.params.star), snakemake.output[0])
