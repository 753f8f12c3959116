"""Rule compare_predictions: the tested row of a table against the best baseline of every column, by picture."""

from sgid.prediction_tests import compare_predictions
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    runs, tests = read_frame(snakemake.input.runs), read_frame(snakemake.input.tests)
    write_frame(compare_predictions(runs, tests), snakemake.output[0])
