"""Rule report_captions: a page to look at a data set's captions, their cosines, and the prompts made of them."""

import json
from pathlib import Path

from sgid.caption_report import Heading, beams_of, render_report
from sgid.caption_samples import spread_over_classes, take_samples
from sgid.caption_statistics import caption_frame, caption_statistics, image_frame
from sgid.classes import prompt_names
from sgid.image_table import read_metadata, read_table, read_tables
from sgid.prompt_lengths import are_truncated, load_prompt_tokenizer
from sgid.prompts import prompt_recipe
from sgid.runtime import job_log, provenance, write_json, write_text

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    tokenizer, names = load_prompt_tokenizer(files.model[0]), prompt_names(files.classes)
    scores, prompts = read_tables(files.scores).to_pandas(), read_table(files.prompts).to_pandas()
    images = image_frame(prompts, scores, are_truncated([*map(json.loads, prompts["weights"])], tokenizer))
    captions = caption_frame(scores, images, names)
    beams = beams_of(read_tables(files.captions, ["image_id", "sampler", "beams"]).to_pylist())
    numbers = caption_statistics(captions, images, names=names, beams=beams)
    ids = spread_over_classes(images, params.number, seed=params.seed)
    pictures = read_table(files.images, ["image_id", "image"])
    samples = take_samples(ids, captions, images, pictures=pictures, names=names, tokenizer=tokenizer)
    recipe, record = prompt_recipe(read_metadata(files.prompts)["recipe"]), provenance()
    heading = Heading(**params.heading, prompts=recipe, tokens=tokenizer.length, commit=record["commit"])
    write_json({**params.heading, "provenance": record, "shown": ids, **numbers}, snakemake.output.numbers)
    write_text(render_report(Path(files.template).read_text("utf-8"), heading, numbers, samples), snakemake.output.page)
