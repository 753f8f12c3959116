"""Rule collect_runs: the runs of one table in long form, one row per planned cell and seed."""

from sgid.results_table import long_form, write_frame
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    runs = [read_json(path) for path in snakemake.input.runs]
    params = snakemake.params
    write_frame(long_form(runs, params.cells, table=params.table, seeds=params.seeds), snakemake.output[0])
