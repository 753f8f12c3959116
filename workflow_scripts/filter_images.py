"""Rule filter_images: the set of a filtered recipe, which is another's without what its reject list names."""

from sgid.image_sets import leave_out, set_among
from sgid.rejects import read_rejects
from sgid.runtime import job_log, write_json

with job_log(snakemake.log[0]):
    files = snakemake.input
    path, rejects = set_among(files.images, files.choice), read_rejects(files.rejects)
    write_json(leave_out(path, rejects, recipe=snakemake.wildcards.recipe), snakemake.output[0])
