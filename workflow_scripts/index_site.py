"""Rule index_site: the way into the site: tables and what they lack, figures, selection, costs."""

from sgid.results_table import commit_of, read_frame
from sgid.runtime import job_log, provenance, write_text
from sgid.site import captions_of, read_choices, render_index, tables_of, templates_of
from sgid.site_costs import costs_of, read_benchmarks
from sgid.site_tables import read_cells

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    frames = zip(map(read_cells, files.cells), map(read_frame, files.runs), strict=True)
    costs = costs_of(read_benchmarks(params.benchmarks, list(params.layout["datasets"])), params.gaps)
    page = render_index(
        templates_of(files.templates),
        params.layout,
        tables_of(frames, params.layout["tables"]),
        choices=read_choices([*files.choices, *params.found]),
        costs=costs,
        captions=captions_of(files.captions),
        commit=commit_of(provenance()),
    )
    write_text(page, snakemake.output[0])
