"""Rule perturb_images: what the perturbing methods of a figure make of every original, to look at."""

from sgid.cases import perturb_originals
from sgid.image_table import read_table, write_table
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    params = snakemake.params
    pictures = perturb_originals(
        read_table(snakemake.input.originals), params.online, size=params.size, base_seed=params.base_seed
    )
    write_table(pictures, snakemake.output[0])
