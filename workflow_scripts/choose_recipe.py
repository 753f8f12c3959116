"""Rule choose_recipe: the recipe of a method that names several, and its noise rate, by validation accuracy."""

from sgid.runtime import job_log, read_json, write_json
from sgid.selection import choose_recipe

with job_log(snakemake.log[0]):
    runs, names = [read_json(path) for path in snakemake.input], snakemake.wildcards
    recipes = snakemake.params.recipes
    write_json(choose_recipe(runs, dataset=names.dataset, method=names.method, recipes=recipes), snakemake.output[0])
