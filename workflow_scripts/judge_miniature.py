"""Rule judge_miniature: captions, scores and pictures of the miniature, held against what was drawn."""

from pathlib import Path

from sgid.image_sets import read_image_set
from sgid.image_table import read_table, read_tables
from sgid.miniature.classifiers import load_evaluator
from sgid.miniature.quality import as_markdown, judge
from sgid.runtime import choose_device, job_log, read_json, write_json, write_text
from sgid.similarity import load_clip

with job_log(snakemake.log[0]):
    rows = judge(
        read_table(snakemake.input.train),
        captions=read_tables(snakemake.input.captions),
        sets=[(read_json(path), read_image_set(path)) for path in snakemake.input.sets],
        clip=load_clip(snakemake.input.clip, device=choose_device()),
        evaluator=load_evaluator(Path(snakemake.input.evaluator).parent),
    )
    write_json([{"measured": what, "on": on, "value": value} for what, on, value in rows], snakemake.output.json)
    write_text(as_markdown(rows), snakemake.output.md)
