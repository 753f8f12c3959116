"""Rule plan: what the build, or one table or figure, takes: shown on the terminal and written to results/plan."""

import sys

from sgid.planning.plans import Plan
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    plan = Plan(snakemake.config, snakemake.params.names)
    plan.write(snakemake.params.name)
    print(plan.text(), file=sys.__stdout__, flush=True)
