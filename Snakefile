"""SGID: semantic-guided generative image augmentation, from data sets to tables. The stages, in order."""

from snakemake.utils import min_version

min_version("9.27")


report: "report/workflow.rst"


configfile: "config/config.yaml"
configfile: "config/datasets.yaml"
configfile: "config/backbones.yaml"
configfile: "config/methods.yaml"
configfile: "config/tables.yaml"
configfile: "config/devices.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/targets.smk"
include: "rules/planning.smk"
include: "rules/datasets.smk"
include: "rules/models.smk"
include: "rules/captions.smk"
include: "rules/images.smk"
include: "rules/filter.smk"
include: "rules/gallery.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/run_figures.smk"
include: "rules/human.smk"
include: "rules/site.smk"
include: "rules/miniature.smk"
include: "rules/archives.smk"
include: "rules/local.smk"
include: "rules/submissions.smk"
