"""What a classifier of the originals says of generated pictures, and how sure it is of each class on validation.

The class's threshold is the mean confidence in it over the validation images that have it (confident learning,
Northcutt et al. 2021), by which ALIA (Dunlap et al. 2023) rejects pictures that are mislabelled or too easy.
"""

import logging
from collections import defaultdict
from statistics import fmean

import pyarrow as pa

from sgid.evaluation import scores_of
from sgid.jobs import Job
from sgid.predictions import Pictures, predict
from sgid.stopping import stopping
from sgid.trained import PlannedRun

LOG = logging.getLogger("sgid.filter_classifier")


def judge(job: Job, run: PlannedRun, drawn: pa.Table, *, minutes: float) -> None:
    """Bring the run to its outputs: from what is kept, else by training; `drawn` are the pictures to be judged.

    The job measures validation images, which it does not learn from; the run's predictions are of `drawn`.
    """
    if run.hand_on():
        LOG.info("the classifier was trained before, and its word on these pictures is taken from what is kept")
        return
    model, history = job.trainer.fit(job.seed(run), checkpoint=run.checkpoint(minutes))
    with stopping():  # which would lose the steps behind the last checkpoint
        pictures = Pictures.of(drawn, size=job.backbone.view.resize)
        validation, judged = (predict([model], job.backbone, each)[0] for each in (job.measured, pictures))
        scores = scores_of(validation, class_names=job.classes) | {"thresholds": thresholds_of(validation)}
        run.keep(job.record(run, scores, history), judged)


def thresholds_of(validation: pa.Table) -> dict[str, float]:
    """Label (as JSON spells keys) to the mean confidence in it over its own images; classes without any have none."""
    own = defaultdict(list)
    for label, share in zip(
        validation["label"].to_pylist(), validation["probability_of_label"].to_pylist(), strict=True
    ):
        own[label].append(share)
    return {str(label): fmean(shares) for label, shares in sorted(own.items())}
