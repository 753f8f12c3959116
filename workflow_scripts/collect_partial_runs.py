"""Rule collect_partial_runs: the runs of one table that are there by now, in the long form of all that are planned."""

from sgid.results_table import long_form, write_frame
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    params = snakemake.params
    runs = [read_json(path) for path in params.found]
    write_frame(long_form(runs, params.cells, table=params.table, seeds=params.seeds), snakemake.output[0])
