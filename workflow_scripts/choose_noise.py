"""Rule choose_noise: the noise rate of one image recipe, by validation accuracy."""

from sgid.runtime import job_log, read_json, write_json
from sgid.selection import choose_noise

with job_log(snakemake.log[0]):
    runs, names = [read_json(path) for path in snakemake.input], snakemake.wildcards
    write_json(choose_noise(runs, dataset=names.dataset, recipe=names.recipe), snakemake.output[0])
