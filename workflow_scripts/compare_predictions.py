"""Rule compare_predictions: SGID against the best baseline of every column of one table, picture by picture."""

from sgid.prediction_tests import compare_predictions
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    runs, tests = read_frame(snakemake.input.runs), read_frame(snakemake.input.tests)
    write_frame(compare_predictions(runs, tests), snakemake.output[0])
