"""Rule index_pages: the way to every page of pictures, with counts."""

from pathlib import Path

from sgid.image_pages import render_index
from sgid.runtime import job_log, read_json, write_text

with job_log(snakemake.log[0]):
    template = Path(snakemake.input.template).read_text("utf-8")
    pages = [*map(read_json, snakemake.input.numbers)]
    write_text(render_index(template, pages, snakemake.params.titles), snakemake.output[0])
