"""Rule prune_cache: remove drawn pictures that are in tables and trainings that no result needs; say what is left."""

import sys
from pathlib import Path

from sgid.generators.packs import prune
from sgid.runtime import job_log
from sgid.trained import prune as prune_trained

with job_log(snakemake.log[0]) as log:
    for sentence in (prune(Path("resources/drawn"), Path("results/images")), prune_trained()):
        log.info(sentence)
        print(sentence, file=sys.__stderr__)
