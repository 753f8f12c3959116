"""Rule plot_similarity: Figure 3, mean cosine similarity of originals and augmented images, by class and method."""

import pandas as pd

from sgid.figure_frames import published_similarity
from sgid.figure_style import save_figure
from sgid.figures import similarity_figure
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    similarity, params = pd.concat(map(pd.read_csv, snakemake.input.measured)), snakemake.params
    paper = published_similarity(snakemake.input.paper, datasets=params.paper_names.values())
    figure = similarity_figure(similarity, titles=params.titles, title=params.title, paper=paper)
    save_figure(figure, pdf=snakemake.output.pdf, png=snakemake.output.png)
