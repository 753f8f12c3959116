"""Rule judge_images: a classifier of the originals, and what it says of every picture that a filter is given."""

from sgid.backbones import Backbone, weights_folder_of
from sgid.classes import class_names
from sgid.filter_classifier import judge
from sgid.image_sets import load_chosen
from sgid.image_table import read_table
from sgid.jobs import Images, Job
from sgid.runtime import choose_device, job_log
from sgid.trained import decisive, planned_runs

with job_log(snakemake.log[0]):
    files, params, of, device = snakemake.input, snakemake.params, snakemake.wildcards, choose_device()
    names = {"dataset": of.dataset, "backbone": params.backbone_name, "method": "filter"}
    backbone = Backbone.from_config(params.backbone, image_size=params.image_size)
    image_set, generated = load_chosen(files.images, files.choice)
    validation, weights = read_table(files.validation), weights_folder_of(files.weights)
    images = Images(read_table(files.train), validation, image_set, held_out=validation)
    shared = {"weights_folder": weights, "device": device, "noted": {"split": "validation"}}
    fixed = {"training": params.training, "base_seed": params.seed, "miniature": params.miniature}
    job = Job(names, backbone, class_names(files.classes), images, **fixed, **shared)
    origin = {"weights": weights, "image_set": image_set, "device": device}
    read = [files.train, files.validation, files.classes]
    decided_by = decisive(names, params, files=read, modules=["filter_classifier"], **origin)
    (run,) = planned_runs({"runs": snakemake.output.run, "predictions": snakemake.output.predictions}, decided_by)
    judge(job, run, generated, minutes=snakemake.config["training"]["checkpoint_minutes"])
