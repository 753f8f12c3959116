"""Rule export_imagefolder: a generated set as one archive in the layout of torchvision's ImageFolder."""

from pathlib import Path

from sgid.classes import class_names
from sgid.exports import Export, card_of, write_imagefolder
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    export = Export(snakemake.input.set, class_names(snakemake.input.classes))
    card = card_of(Path(snakemake.input.card).read_text("utf-8"), export, snakemake.params.title)
    write_imagefolder(export, card, snakemake.output[0])
