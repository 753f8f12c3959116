"""Rule plot_noise: accuracy on validation by noise rate, and what was chosen."""

from sgid.figure_frames import noise_frame
from sgid.figure_style import save_figure
from sgid.results_table import write_frame
from sgid.run_figures import noise_figure
from sgid.runtime import job_log, read_json

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    frame = noise_frame(map(read_json, snakemake.input.choices), rows=params.rows, miniature=params.miniature)
    figure = noise_figure(frame, titles=params.titles, title=params.title)
    write_frame(frame, output.csv)
    save_figure(figure, pdf=output.pdf, png=output.png)
