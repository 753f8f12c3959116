"""Rule write_captions: BLIP's captions of one shard of images, by beam search and by nucleus sampling."""

from sgid.captions import captioning, load_captioner, write_captions
from sgid.image_sets import read_images
from sgid.image_table import shard, write_table
from sgid.runtime import choose_device, job_log, provenance, read_json

with job_log(snakemake.log[0]):
    device, wildcards = choose_device(), snakemake.wildcards
    tables = write_captions(
        load_captioner(snakemake.input.model[0], device=device),
        shard(read_images(snakemake.input.images), int(wildcards.i), int(wildcards.n)),
        dataset=wildcards.dataset,
        how=captioning(snakemake.params.captions),
        base_seed=snakemake.params.base_seed,
    )
    origin = {"model": read_json(snakemake.input.model[0]), "provenance": provenance(device)}
    for sampler, table in tables.items():
        write_table(table, snakemake.output[sampler], metadata=origin)
