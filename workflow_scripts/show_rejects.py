"""Rule show_rejects: a few of the pictures that a filter rejects beside their originals, reason by reason."""

from sgid.classes import prompt_names
from sgid.figure_style import save_figure
from sgid.filter_pages import title_of
from sgid.image_sets import set_among
from sgid.image_table import read_table
from sgid.picture_grid import picture_grid
from sgid.reject_grid import columns_of, reject_rows
from sgid.rejects import read_reasons
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    path, rejects, names = (
        set_among(files.images, files.choice),
        read_reasons(files.rejects),
        prompt_names(files.classes),
    )
    rows = reject_rows(path, read_table(files.originals), rejects, names=names, seed=params.seed)
    title, miniature = title_of(params.heading), params.heading["miniature"]
    figure = picture_grid(rows, columns=columns_of(), title=title, miniature=miniature)
    save_figure(figure, pdf=output.pdf, png=output.png)
