"""Rule show_table: one table's page on the site, from its numbers down to the runs behind each."""

from sgid.results_table import commit_of, read_frame
from sgid.runtime import job_log, provenance, write_text
from sgid.site import render_table_page, templates_of
from sgid.site_tables import read_cells

with job_log(snakemake.log[0]):
    files = snakemake.input
    frames = {"cells": read_cells(files.cells), "runs": read_frame(files.runs), "tests": read_frame(files.tests)}
    frames |= dict(zip(["predictions"], map(read_frame, files.predictions), strict=False))
    pages, commit = templates_of(files.templates), commit_of(provenance())
    write_text(render_table_page(pages, frames, snakemake.params.layout, commit=commit), snakemake.output[0])
