"""Rule train_miniature: one tiny model, from the drawn world."""

from pathlib import Path

from sgid.miniature.parts import TRAINERS
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    before = [Path(path).parent for path in snakemake.input]
    TRAINERS[snakemake.wildcards.part](Path(snakemake.output[0]).parent, *before)
