"""Rule build_prompts: one weighted prompt and guidance scale for each image of a recipe."""

import pandas as pd
import pyarrow as pa

from sgid.image_table import read_tables, write_table
from sgid.prompts import build_prompts, prompt_recipe
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    classes = pd.read_csv(snakemake.input.classes, keep_default_na=False).set_index("label")
    prompts = build_prompts(
        read_tables(snakemake.input.images, ["image_id", "label"]).to_pylist(),
        read_tables(snakemake.input.captions).to_pylist(),
        names=classes["prompt_name"].to_dict(),
        dataset=snakemake.wildcards.dataset,
        recipe=prompt_recipe(snakemake.params.recipe),
        base_seed=snakemake.params.base_seed,
    )
    write_table(pa.Table.from_pylist(prompts), snakemake.output[0], metadata={"recipe": snakemake.params.recipe})
