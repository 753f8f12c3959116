"""Rule plot_noise_guidance: Figure 5, one original drawn at every noise rate and guidance scale."""

from sgid.classes import prompt_names
from sgid.figure_style import save_figure
from sgid.gallery import guidance_rows, read_sets
from sgid.image_table import read_table
from sgid.picture_grid import picture_grid
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sets, names = read_sets(files.sets), prompt_names(files.classes)
    rows, columns = guidance_rows(read_table(files.originals), sets, names=names, seed=params.seed)
    figure = picture_grid(rows, columns=columns, title=params.title, miniature=any(each.miniature for each in sets))
    save_figure(figure, pdf=snakemake.output.pdf, png=snakemake.output.png)
