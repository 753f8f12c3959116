"""Rule write_captions: the captions of one shard of images by one sampler."""

from sgid.captions import captioning, write_captions
from sgid.classes import prompt_names
from sgid.image_sets import read_images
from sgid.image_table import shard, write_table
from sgid.runtime import choose_device, job_log, provenance

with job_log(snakemake.log[0]):
    device, wildcards = choose_device(), snakemake.wildcards
    captions = write_captions(
        shard(read_images(snakemake.input.images), int(wildcards.i), int(wildcards.n)),
        sampler=wildcards.sampler,
        dataset=wildcards.dataset,
        names=prompt_names(snakemake.input.classes),
        source=snakemake.input.sources,
        how=captioning(snakemake.params.captions),
        base_seed=snakemake.params.base_seed,
        device=device,
    )
    write_table(captions, snakemake.output[0], metadata={"provenance": provenance(device)})
