"""Rule render_ratings: Table 2 of ours, beside the paper's numbers."""

from sgid.rating_means import read_agreement, read_ratings, read_scores
from sgid.rating_notes import rating_notes, rating_title
from sgid.rating_tables import accuracy_numbers, lay_out_ratings, our_cells, published_numbers, score_numbers, stamped
from sgid.results_table import long_form, write_frame
from sgid.runtime import job_log, read_json, write_text
from sgid.table_formats import html_page, latex, markdown

with job_log(snakemake.log[0]):
    files, layout, output = snakemake.input, snakemake.params.layout, snakemake.output
    runs = long_form(list(map(read_json, snakemake.params.runs)), **snakemake.params.accuracy)
    ratings, scores = stamped(read_ratings(files.ratings), runs), read_scores(files.scores)
    numbers = score_numbers(scores, annotators=layout["annotators"]) | accuracy_numbers(runs)
    cells = our_cells(numbers, published_numbers(files.paper, layout=layout), ratings, layout=layout)
    notes = rating_notes(ratings, read_agreement(files.agreement), layout=layout)
    grid = lay_out_ratings(cells, layout=layout, title=rating_title(layout["title"], ratings), notes=notes)
    write_frame(cells, output.csv)
    write_text(markdown(grid), output.md)
    write_text(latex(grid), output.tex)
    write_text(html_page(grid), output.html)
