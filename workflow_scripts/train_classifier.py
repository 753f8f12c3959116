"""Rule train_classifier: classifiers from the originals and the method's generated images, if any; each tested once."""

from sgid.backbones import Backbone, weights_folder_of
from sgid.classes import class_names
from sgid.image_sets import load_chosen
from sgid.image_table import read_table, read_test_table
from sgid.jobs import Images, Job, complete
from sgid.online import Online
from sgid.rejects import read_rejects
from sgid.runtime import choose_device, job_log
from sgid.trained import decisive, planned_runs

with job_log(snakemake.log[0]):
    files, params, of, device = snakemake.input, snakemake.params, snakemake.wildcards, choose_device()
    names = {"dataset": of.dataset, "backbone": of.backbone, "method": of.method}
    backbone = Backbone.from_config(params.backbone, image_size=params.image_size)
    online = Online.from_config(params.online, image_size=params.image_size)
    held_out = next(map(read_table, files.validation), None)  # where the best epoch is reported
    rejects = set().union(*map(read_rejects, files.exclude))
    image_set, generated = load_chosen(files.images, files.choice)
    images = Images(read_table(files.train), read_test_table(files.test), image_set, generated, held_out, rejects)
    shared = {"online": online, "weights_folder": weights_folder_of(files.weights), "device": device}
    fixed = {"training": params.training, "base_seed": params.seed, "miniature": params.miniature}
    job = Job(names, backbone, class_names(files.classes), images, **fixed, **shared)
    read = [files.train, files.test, files.classes, *files.validation, *files.exclude]
    origin = {"weights": weights_folder_of(files.weights), "image_set": image_set, "device": device}
    decided_by = decisive(names, params, files=read, **origin)
    runs = planned_runs(snakemake.output, decided_by)
    complete(job, runs, minutes=snakemake.config["training"]["checkpoint_minutes"])
