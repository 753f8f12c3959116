"""Rule write_annotation_page: what one annotator opens to rate the pictures of one data set."""

from pathlib import Path

from sgid.image_table import read_metadata, read_table
from sgid.rating_items import Kit
from sgid.rating_pages import render_page
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    items, template = snakemake.input.pictures, Path(snakemake.input.template).read_text("utf-8")
    kit, annotator = Kit(**snakemake.params.kit), int(snakemake.wildcards.annotator)
    side = read_metadata(items)["side"]
    write_text(render_page(template, read_table(items), kit, annotator=annotator, side=side), snakemake.output[0])
