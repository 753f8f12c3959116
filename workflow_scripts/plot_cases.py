"""Rule plot_cases: Figure 4, originals beside their picture of every method, data set by data set."""

from sgid.classes import prompt_names
from sgid.figure_style import save_figure
from sgid.gallery import all_case_rows, read_sets
from sgid.image_table import read_table
from sgid.picture_grid import picture_grid
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sets = read_sets(files.sets, choices=files.choices)
    rows = all_case_rows(
        dict(zip(params.datasets, map(read_table, files.originals), strict=True)),
        sets,
        dict(zip(params.datasets, map(read_table, files.perturbed), strict=True)),
        recipes=params.recipes,
        names=dict(zip(params.datasets, map(prompt_names, files.classes), strict=True)),
        count=params.number,
        seed=params.seed,
    )
    miniature = any(each.miniature for each in sets)
    figure = picture_grid(rows, columns=params.columns, title=params.title, miniature=miniature)
    save_figure(figure, pdf=snakemake.output.pdf, png=snakemake.output.png)
