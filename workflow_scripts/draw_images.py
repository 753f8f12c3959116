"""Rule draw_images: one shard of a recipe's images at one noise rate."""

from pathlib import Path

from sgid.generators.batches import Engine, load_model
from sgid.generators.drawing import SetName
from sgid.generators.engine import draw_images, identity_of
from sgid.generators.generation import Generation
from sgid.generators.packs import open_packs
from sgid.image_sets import noise_rate_of, read_images, some_of_each_class
from sgid.image_table import read_table, shard, write_row_groups
from sgid.runtime import choose_device, device_memory, job_log, provenance, read_json
from sgid.weighting import Weighting

with job_log(snakemake.log[0]):
    device, of, params = choose_device(), snakemake.wildcards, snakemake.params
    generation = Generation(**params.generation).on(device, memory=device_memory(device))
    record = read_json(snakemake.input.model[0])
    noise_rate = noise_rate_of(of.noise, snakemake.input.choice)
    name = SetName(of.dataset, of.recipe, noise_rate, params.base_seed)
    originals = some_of_each_class(read_images(snakemake.input.originals), params.per_class, seed=params.base_seed)
    part, prompts = shard(originals, int(of.i), int(of.n)), read_table(snakemake.input.prompts)
    drawn_before = Path("resources/drawn", of.dataset, of.recipe, f"noise-{noise_rate}")
    model = load_model(snakemake.input.model[0], generation, device=device)
    metadata = {"recipe": of.recipe, "model": record, "miniature": params.miniature, "provenance": provenance(device)}
    with open_packs(drawn_before, f"shard-{of.i}-of-{of.n}") as packs:
        engine = Engine(model, name, generation, Weighting(**params.weighting), packs, identity_of(record, device))
        tables = draw_images(engine, part, prompts, replicates=params.replicates)
        write_row_groups(tables, snakemake.output[0], metadata=metadata)
