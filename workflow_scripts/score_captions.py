"""Rule score_captions: CLIP cosine of each caption of one shard, and of the label text, with the image."""

import pandas as pd

from sgid.image_table import read_table, read_tables, write_table
from sgid.runtime import choose_device, job_log, provenance
from sgid.similarity import load_clip, score_captions

with job_log(snakemake.log[0]):
    device = choose_device()
    classes = pd.read_csv(snakemake.input.classes, keep_default_na=False).set_index("label")
    scores = score_captions(
        load_clip(snakemake.input.model[0], device=device, batch_size=snakemake.params.batch_size),
        read_tables(snakemake.input.images),
        read_table(snakemake.input.captions),
        names=classes["prompt_name"].to_dict(),
    )
    write_table(scores, snakemake.output[0], metadata={"provenance": provenance(device)})
