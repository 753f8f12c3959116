"""Rule show_pictures: the site's page of a data set's originals beside what every recipe drew from them."""

from sgid.results_table import commit_of
from sgid.runtime import job_log, provenance, write_text
from sgid.site import templates_of
from sgid.site_pictures import render_pictures, shown_pictures

with job_log(snakemake.log[0]):
    params = snakemake.params
    shown = shown_pictures(params.gallery, originals=params.originals, side=params.side, seed=params.seed)
    pages, commit = templates_of(snakemake.input.templates), commit_of(provenance())
    write_text(render_pictures(pages, params.gallery, shown, commit=commit), snakemake.output[0])
