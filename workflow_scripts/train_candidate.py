"""Rule train_candidate: what one noise rate is worth, trained without the validation images and measured on them."""

from sgid.backbones import Backbone, weights_folder_of
from sgid.classes import class_names
from sgid.image_sets import load_chosen
from sgid.image_table import read_table
from sgid.jobs import Images, Job, complete
from sgid.rejects import read_rejects
from sgid.runtime import choose_device, job_log
from sgid.trained import decisive, planned_runs

with job_log(snakemake.log[0]):
    files, params, of, device = snakemake.input, snakemake.params, snakemake.wildcards, choose_device()
    names = {"dataset": of.dataset, "backbone": params.backbone_name, "method": of.recipe}
    backbone = Backbone.from_config(params.backbone, image_size=params.image_size)
    validation, rejects = read_table(files.validation), set().union(*map(read_rejects, files.exclude))
    image_set, generated = load_chosen([files.images], [])
    images = Images(read_table(files.train), validation, image_set, generated, validation, rejects)
    shared = {"weights_folder": weights_folder_of(files.weights), "device": device, "noted": {"split": "validation"}}
    fixed = {"training": params.training, "base_seed": params.seed, "miniature": params.miniature}
    # No recipe and no noise rate: all candidates train from the same seed, so that they differ in their images alone.
    fixed |= {"seeded_by": ("dataset", "backbone")}
    job = Job(names, backbone, class_names(files.classes), images, **fixed, **shared)
    read = [files.train, files.validation, files.classes, *files.exclude]
    origin = {"weights": weights_folder_of(files.weights), "image_set": image_set, "device": device}
    decided_by = decisive(names, params, files=read, **origin)
    runs = planned_runs(snakemake.output, decided_by | {"seeded_by": job.seeded_by})
    complete(job, runs, minutes=snakemake.config["training"]["checkpoint_minutes"])
