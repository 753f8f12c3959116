"""Rule plot_consistency: each method in the plane of semantic consistency and image diversity."""

import pandas as pd

from sgid.figure_style import save_figure
from sgid.figures import consistency_figure
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    similarity, params = pd.concat(map(pd.read_csv, snakemake.input.measured)), snakemake.params
    figure = consistency_figure(similarity, titles=params.titles, title=params.title)
    save_figure(figure, pdf=snakemake.output.pdf, png=snakemake.output.png)
