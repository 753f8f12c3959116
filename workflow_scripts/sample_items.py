"""Rule sample_items: the blinded pictures of one data set that people rate, and the key to them."""

from sgid.cases import perturb_originals
from sgid.classes import class_names
from sgid.image_table import read_table, write_table
from sgid.rating_items import (
    Extent,
    Kit,
    blinded,
    choose_originals,
    chosen_sets,
    items_of,
    method_pictures,
    shared_sources,
)
from sgid.rating_pages import key_of
from sgid.runtime import job_log, provenance, write_json

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    kit, extent = Kit(**params.kit), Extent(**params.extent)
    sets = chosen_sets(files.sets, files.choices)
    chosen = choose_originals(read_table(files.originals), shared_sources(sets.values()), extent, kit=kit)
    perturbed = perturb_originals(chosen, params.online, size=extent.side, base_seed=kit.seed)
    pictures = method_pictures(chosen, perturbed, sets, recipes=params.recipes)
    table = blinded(items_of(chosen, pictures, extent, kit=kit), side=extent.side, kit=kit)
    names = dict(enumerate(class_names(files.classes)))
    key = key_of(table, kit, annotators=params.annotators, classes=names, provenance=provenance())
    write_table(table, snakemake.output.pictures, metadata={"side": extent.side, "miniature": kit.miniature})
    write_json(key, snakemake.output.key)
