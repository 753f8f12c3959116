"""Rule draw_images: one shard of a recipe's images at one noise rate."""

from sgid.generators.denoising import load_diffusion
from sgid.generators.drawing import Generation, SetName, draw_images
from sgid.image_sets import noise_rate_of, read_images, some_of_each_class
from sgid.image_table import read_table, shard, write_table
from sgid.runtime import choose_device, job_log, provenance, read_json
from sgid.weighting import Weighting

with job_log(snakemake.log[0]):
    device, wildcards, params = choose_device(), snakemake.wildcards, snakemake.params
    generation = Generation(**params.generation)
    noise_rate = noise_rate_of(wildcards.noise, snakemake.input.choice)
    originals = some_of_each_class(read_images(snakemake.input.originals), params.per_class, seed=params.base_seed)
    table = draw_images(
        load_diffusion(snakemake.input.model[0], device=device, dtype=generation.dtype, scheduler=generation.scheduler),
        shard(originals, int(wildcards.i), int(wildcards.n)),
        read_table(snakemake.input.prompts),
        name=SetName(wildcards.dataset, wildcards.recipe, noise_rate, params.base_seed),
        generation=generation,
        weighting=Weighting(**params.weighting),
        replicates=params.replicates,
    )
    record = {"recipe": wildcards.recipe, "model": read_json(snakemake.input.model[0]), "miniature": params.miniature}
    write_table(table, snakemake.output[0], metadata=record | {"provenance": provenance(device)})
