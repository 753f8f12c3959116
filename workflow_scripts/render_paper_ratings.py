"""Rule render_paper_ratings: the paper's own Table 2, rendered by the code that renders ours."""

from sgid.rating_notes import published_notes
from sgid.rating_tables import lay_out_ratings, published_numbers, rating_cells
from sgid.results_table import write_frame
from sgid.runtime import job_log, write_text
from sgid.table_formats import html_page, latex, markdown

with job_log(snakemake.log[0]):
    layout, output = snakemake.params.layout, snakemake.output
    cells = rating_cells(published_numbers(snakemake.input.paper, layout=layout), {}, layout=layout)
    title = f"{layout['title']}, as published"
    grid = lay_out_ratings(cells, layout=layout, title=title, notes=published_notes(layout))
    write_frame(cells.assign(status="published"), output.csv)
    write_text(markdown(grid), output.md)
    write_text(latex(grid), output.tex)
    write_text(html_page(grid), output.html)
