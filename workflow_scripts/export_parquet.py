"""Rule export_parquet: a generated set as a folder that Hugging Face `datasets` reads, with its card."""

from pathlib import Path

from sgid.classes import class_names
from sgid.exports import Export, card_of, write_parquet
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    export = Export(snakemake.input.set, class_names(snakemake.input.classes))
    card = card_of(Path(snakemake.input.card).read_text("utf-8"), export, snakemake.params.title)
    write_parquet(export, snakemake.output.data)
    write_text(card, snakemake.output.card)
