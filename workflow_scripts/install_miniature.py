"""Rule install_miniature: the tiny models just trained become those of the demo and the tests."""

from pathlib import Path

from sgid.miniature.parts import install
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    install([Path(record).parent for record in snakemake.input], Path("resources/miniature"))
