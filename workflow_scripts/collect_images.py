"""Rule collect_images: the shards of one image set, described by the one file that training depends on."""

from sgid.image_sets import collect
from sgid.runtime import job_log, write_json

with job_log(snakemake.log[0]):
    image_set = collect(
        snakemake.input.shards,
        dataset=snakemake.wildcards.dataset,
        recipe=snakemake.wildcards.recipe,
        miniature=snakemake.params.miniature,
    )
    write_json(image_set, snakemake.output[0])
