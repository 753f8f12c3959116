"""Rule write_captions: the captions of one shard of images by one sampler."""

import pandas as pd

from sgid.captions import captioning, write_captions
from sgid.image_table import read_tables, shard, write_table
from sgid.runtime import choose_device, job_log, provenance

with job_log(snakemake.log[0]):
    device, wildcards = choose_device(), snakemake.wildcards
    classes = pd.read_csv(snakemake.input.classes, keep_default_na=False).set_index("label")
    captions = write_captions(
        shard(read_tables(snakemake.input.images), int(wildcards.i), int(wildcards.n)),
        sampler=wildcards.sampler,
        dataset=wildcards.dataset,
        names=classes["prompt_name"].to_dict(),
        source=snakemake.input.sources,
        how=captioning(snakemake.params.captions),
        base_seed=snakemake.params.base_seed,
        device=device,
    )
    write_table(captions, snakemake.output[0], metadata={"provenance": provenance(device)})
