"""Rule render_paper_table: the paper's own numbers, rendered by the code that renders ours."""

from sgid.paper_numbers import read_paper_numbers
from sgid.results_table import write_frame
from sgid.runtime import job_log, write_text
from sgid.table_formats import html_page, latex, markdown
from sgid.table_notes import published_notes
from sgid.tables import lay_out, published_cells

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    cells = published_cells(params.cells, read_paper_numbers(snakemake.input.paper, datasets=params.paper_names))
    notes = published_notes(cells, titles=params.titles)
    grid = lay_out(cells, titles=params.titles, title=f"{params.title}, as published", notes=notes)
    write_frame(cells, output.csv)
    write_text(markdown(grid), output.md)
    write_text(latex(grid), output.tex)
    write_text(html_page(grid), output.html)
