"""Rule prune_cache: remove the packs of drawn pictures whose shards are tables by now, and say what is left."""

import sys
from pathlib import Path

from sgid.generators.packs import prune
from sgid.runtime import job_log

with job_log(snakemake.log[0]) as log:
    sentence = prune(Path("resources/drawn"), Path("results/images"))
    log.info(sentence)
    print(sentence, file=sys.__stderr__)
