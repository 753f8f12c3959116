"""The configuration, checked; the matrix that it declares; wildcard constraints."""

import sys

from snakemake.exceptions import WorkflowError

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")

from sgid import training_settings
from sgid.builds import BuildError, Files, enter
from sgid.configuration import checked
from sgid.cost_plan import CostPlan
from sgid.filter_paths import ImageFilters
from sgid.matrix import Matrix
from sgid.method_images import MethodImages
from sgid.miniature import PARTS
from sgid.model_needs import models_needed
from sgid.page_paths import ImagePages
from sgid.planning.plans import plan_to_build
from sgid.presentation import Presentation
from sgid.rating_plan import HumanEvaluations
from sgid.references import SAMPLERS_OF, ConfigError
from sgid.report_paths import CaptionReports
from sgid.site_paths import SitePages
from sgid.submissions import SubmissionError, ask_slurm, check_gpus
from sgid.target_names import check_names, rule_names

try:
    matrix = Matrix(checked(config))
    check_names(config, rule_names())
    caption_reports = CaptionReports(matrix)
    image_pages = ImagePages(matrix)
    human = HumanEvaluations(matrix)
except ConfigError as error:
    raise WorkflowError(str(error)) from None
method_images = MethodImages(matrix)
filters = ImageFilters(matrix)
shown = Presentation(matrix)
cost_plan = CostPlan(matrix)
sites = {"site": SitePages(matrix), "partial/site": SitePages(matrix, partial=True)}
data = matrix.registry


def one_of(names):
    return "|".join(names) or "(?!)"  # of nothing: a pattern that never matches


# Where there is something to do, before the first job: two builds of the same files would overwrite each other.
onstart:
    try:
        enter(Files.of(workflow.dag.needrun_jobs()))
        if workflow.executor_plugin.name == "slurm":
            from snakemake_executor_plugin_slurm.accounts import validate_account

            jobs, group_of = workflow.dag.needrun_jobs(), workflow.dag.get_job_group
            check_gpus(workflow.global_resources.get("gpu").value)
            ask_slurm(jobs, group_of=group_of, validate=validate_account, refused=WorkflowError)
    except (BuildError, SubmissionError, OSError) as error:
        raise WorkflowError(str(error)) from None


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    backbone=one_of(config["backbones"]),
    method=one_of(config["methods"]),
    recipe=one_of(config["recipes"]),
    source=one_of(["originals", *config["recipes"]]),
    sampler=one_of(sorted({name for names in SAMPLERS_OF.values() for name in names})),
    table=one_of(matrix.names),
    stage="tables|partial",
    site=one_of(sites),
    figure=one_of(config["figures"]),
    evaluation=one_of(config["human"]),
    archived=one_of(["build", "images", *matrix.names]),
    annotator=r"[1-9]\d*",
    noise=r"chosen|[01]\.\d+",
    seed=r"\d+",
    i=r"\d+",
    n=r"\d+",
    part=one_of(PARTS),
