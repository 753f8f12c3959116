"""Rule status: how far the build, or one table or figure, is; also while it runs and after it was killed."""

import sys
import time
from pathlib import Path

from sgid.builds import at_work
from sgid.planning.others import uncounted
from sgid.planning.plans import Plan
from sgid.planning.progress import progress_of, text_of
from sgid.planning.traces import traces_in
from sgid.runtime import job_log

with job_log(snakemake.log[0]):
    plan, here, now = Plan(snakemake.config, snakemake.params.names), Path.cwd(), time.time()
    gpus = snakemake.config["plan_gpus"]
    progress = progress_of(plan.graph, traces_in(here), plan.cost, root=here, now=now, gpus=gpus)
    beside = uncounted(at_work(), plan.datasets)
    text = text_of(progress, [snakemake.params.name], root=here, now=now, beside=beside)
    print(text, file=sys.__stdout__, flush=True)
