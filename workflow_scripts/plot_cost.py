"""Rule plot_cost: the time behind a classifier of each method, beside its gain over the backbone."""

from sgid.cost_figure import cost_figure
from sgid.figure_frames import cost_frame
from sgid.figure_style import save_figure
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    frame = cost_frame(read_frame(snakemake.input.runs), params.ledger, base=params.base)
    figure = cost_figure(frame, base=params.base, titles=params.titles, title=params.title)
    write_frame(frame, output.csv)
    save_figure(figure, pdf=output.pdf, png=output.png)
