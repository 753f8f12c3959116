"""Rule plot_overview: Figure 1, accuracies and gains over the backbone, over a strip of example pictures."""

from sgid.figure_style import save_figure
from sgid.figures import overview_figure
from sgid.gallery import read_sets, strip_of
from sgid.image_table import read_table
from sgid.paper_numbers import read_paper_numbers
from sgid.results_table import read_frame
from sgid.runtime import job_log
from sgid.significance import compare_with_best
from sgid.tables import table_cells

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    runs, paper = read_frame(files.runs), read_paper_numbers(files.paper, datasets=params.paper_names)
    cells = table_cells(runs, compare_with_best(runs, None), paper)
    originals, sets = [read_table(path) for path in files.originals], read_sets(files.sets, choices=files.choices)
    strip = strip_of(originals, sets, base=params.base, recipes=params.recipes, seed=params.seed)
    figure = overview_figure(cells, base=params.base, titles=params.titles, title=params.title, strip=strip)
    save_figure(figure, pdf=snakemake.output.pdf, png=snakemake.output.png)
