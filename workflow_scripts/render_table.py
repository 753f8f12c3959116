"""Rule render_table: one table of ours in the paper's layout, beside the paper's numbers."""

from sgid.paper_numbers import read_paper_numbers
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log, write_text
from sgid.table_formats import html_page, latex, markdown
from sgid.table_notes import notes_of
from sgid.tables import lay_out, table_cells, table_title

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    runs, tests = read_frame(snakemake.input.runs), read_frame(snakemake.input.tests)
    cells = table_cells(runs, tests, read_paper_numbers(snakemake.input.paper, datasets=params.paper_names))
    notes = notes_of(runs, tests, star=params.star, titles=params.titles)
    grid = lay_out(cells, titles=params.titles, title=table_title(params.title, runs), notes=notes)
    write_frame(cells, output.csv)
    write_text(markdown(grid), output.md)
    write_text(latex(grid), output.tex)
    write_text(html_page(grid), output.html)
