"""Rule import_archive: the results of an archive beside those that are here; say what came."""

import sys

from sgid.merge import import_archive
from sgid.runtime import job_log

with job_log(snakemake.log[0]) as log:
    sentence = import_archive(snakemake.params.archive)
    log.info(sentence)
    print(sentence, file=sys.__stderr__)
