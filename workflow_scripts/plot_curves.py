"""Rule plot_curves: training loss and, where it was measured, validation accuracy by epoch."""

from sgid.figure_frames import curve_frame
from sgid.figure_style import save_figure
from sgid.results_table import write_frame
from sgid.run_figures import curves_figure
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    frame = curve_frame(map(read_json, snakemake.input.runs), params.cells)
    write_frame(frame, output.csv)
    save_figure(curves_figure(frame, titles=params.titles, title=params.title), pdf=output.pdf, png=output.png)
