"""Rule build_prompts: one weighted prompt and guidance scale for each image of a recipe."""

import pyarrow as pa

from sgid.classes import prompt_names
from sgid.image_sets import read_images
from sgid.image_table import read_tables, write_table
from sgid.prompts import build_prompts, counts_of, prompt_recipe
from sgid.runtime import job_log

with job_log(snakemake.log[0]) as log:
    prompts = build_prompts(
        read_images(snakemake.input.images).select(["image_id", "label"]).to_pylist(),
        read_tables(snakemake.input.captions).to_pylist(),
        names=prompt_names(snakemake.input.classes),
        dataset=snakemake.wildcards.dataset,
        recipe=prompt_recipe(snakemake.params.recipe),
        base_seed=snakemake.params.base_seed,
        mode=snakemake.params.similarity,
    )
    counts = counts_of(prompts)
    log.info("%s", counts)
    metadata = {"recipe": snakemake.params.recipe, "counts": counts}
    write_table(pa.Table.from_pylist(prompts), snakemake.output[0], metadata=metadata)
