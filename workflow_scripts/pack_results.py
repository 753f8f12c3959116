"""Rule pack_results: results and all that they rest on in one file, with hashes."""

import sys
from pathlib import Path

from sgid.archive import pack
from sgid.made_by import Origins
from sgid.runtime import job_log, provenance

with job_log(snakemake.log[0]) as log:
    paths = Origins().behind(snakemake.input)
    sentence = pack(paths, Path(snakemake.output[0]), origin=provenance())
    log.info(sentence)
    print(sentence, file=sys.__stderr__)
