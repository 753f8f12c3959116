"""Rule list_captions: captions of one shard of images from lists that people or T5 wrote beforehand."""

from sgid.caption_tables import listed_captions, read_lists
from sgid.classes import prompt_names
from sgid.image_sets import read_images
from sgid.image_table import shard, write_table
from sgid.runtime import job_log, provenance

with job_log(snakemake.log[0]):
    wildcards, params = snakemake.wildcards, snakemake.params
    captions = listed_captions(
        shard(read_images(snakemake.input.images), int(wildcards.i), int(wildcards.n)),
        read_lists(snakemake.input.lists),
        sampler=wildcards.sampler,
        names=prompt_names(snakemake.input.classes),
        dataset=wildcards.dataset,
        count=params.number,
        base_seed=params.base_seed,
    )
    write_table(captions, snakemake.output[0], metadata={"provenance": provenance()})
