"""Rule collect_ratings: the sheets of all annotators, checked, as one long table; mean scores and agreement from it."""

from sgid.rating_means import agreement, long_ratings, mean_scores
from sgid.rating_sheets import read_sheets
from sgid.results_table import write_frame
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    keys = [read_json(path) for path in snakemake.input.known]
    ratings = long_ratings(read_sheets(snakemake.input.sheets, keys), keys, allowed=params.allowed)
    write_frame(ratings, output.ratings)
    write_frame(mean_scores(ratings, rows=params.rows, datasets=params.datasets), output.scores)
    write_frame(agreement(ratings), output.agreement)
