"""Rule pack_results: results and all that they rest on in one file, with hashes."""

from pathlib import Path

from sgid.archive import pack
from sgid.made_by import Origins
from sgid.runtime import job_log, provenance

with job_log(snakemake.log[0]) as log:
    paths = Origins().behind(snakemake.input)
    log.info(pack(paths, Path(snakemake.output[0]), origin=provenance()))
