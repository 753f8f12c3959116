"""Rule plot_classes: what each class gains over the backbone."""

from sgid.figure_frames import class_frame
from sgid.figure_style import save_figure
from sgid.results_table import write_frame
from sgid.run_figures import classes_figure
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    frame = class_frame(map(read_json, snakemake.input.runs), params.cells, base=params.base)
    figure = classes_figure(frame, count=params.number, titles=params.titles, title=params.title)
    write_frame(frame, output.csv)
    save_figure(figure, pdf=output.pdf, png=output.png)
