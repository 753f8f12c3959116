"""Rule score_captions: cosine of each caption of one shard, and of the label text, with the image."""

from sgid.classes import prompt_names
from sgid.image_sets import read_images
from sgid.image_table import read_table, write_table
from sgid.runtime import choose_device, job_log, provenance, read_json
from sgid.similarity import ENCODERS, score_captions

with job_log(snakemake.log[0]):
    device, params = choose_device(), snakemake.params
    scores = score_captions(
        ENCODERS[params.encoder](snakemake.input.model[0], device=device, batch_size=params.batch_size),
        read_images(snakemake.input.images),
        read_table(snakemake.input.captions),
        names=prompt_names(snakemake.input.classes),
    )
    origin = {"model": read_json(snakemake.input.model[0]), "provenance": provenance(device)}
    write_table(scores, snakemake.output[0], metadata=origin)
