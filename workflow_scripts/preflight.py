"""Rule preflight: whether the build, or one table or figure, can run as it stands; fails where it cannot."""

import sys

from sgid.planning.plans import Plan
from sgid.planning.preflight import exit_status, findings_of, text_of
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    findings = findings_of(Plan(snakemake.config, snakemake.params.names))
    print(text_of(findings, snakemake.params.name), file=sys.__stdout__, flush=True)
    sys.exit(exit_status(findings))
