"""Rule plot_paper_overview: Figure 1 as published, by the code that draws ours."""

from sgid.figure_style import save_figure
from sgid.figures import overview_figure
from sgid.paper_numbers import read_paper_numbers
from sgid.runtime import job_log
from sgid.tables import published_cells

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    cells = published_cells(params.cells, read_paper_numbers(snakemake.input.paper, datasets=params.paper_names))
    title = f"{params.title}, as published"
    figure = overview_figure(cells, base=params.base, titles=params.titles, title=title, strip={})
    save_figure(figure, pdf=output.pdf, png=output.png)
