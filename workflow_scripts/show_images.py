"""Rule show_images: a page to look at what a recipe drew from a data set, and to reject pictures."""

from dataclasses import asdict
from pathlib import Path

from sgid.classes import prompt_names
from sgid.image_pages import Heading, page_numbers, render_page
from sgid.image_samples import Extent, choose_sources, facts_of, families, rows_of
from sgid.runtime import job_log, provenance, write_json, write_text

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    extent, facts, record = Extent(**params.extent), facts_of(files.sets), provenance()
    ids = choose_sources(facts, extent, seed=params.seed)
    originals, drawn = rows_of(files.originals, "image_id", ids), rows_of(files.sets, "source_id", ids)
    shown = families(ids, originals, drawn, names=prompt_names(files.classes), side=extent.thumbnail)
    heading = Heading(**params.heading, commit=record["commit"])
    numbers = page_numbers(files.sets, facts, shown)
    page = render_page(Path(files.template).read_text("utf-8"), heading, numbers, shown, extent=extent)
    write_json({**numbers, "extent": asdict(extent), "provenance": record}, snakemake.output.numbers)
    write_text(page, snakemake.output.page)
