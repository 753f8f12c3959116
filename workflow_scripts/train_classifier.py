"""Rule train_classifier: one classifier from the originals and the method's generated images, if any; tested once."""

from sgid.backbones import Backbone, weights_folder_of
from sgid.classes import class_names
from sgid.composition import compose_training_set
from sgid.evaluation import evaluate_table, run_record
from sgid.image_sets import load_chosen
from sgid.image_table import read_table, read_test_table
from sgid.online import Online
from sgid.runtime import choose_device, job_log, write_json
from sgid.seeding import seed_for
from sgid.training import fit_classifier

with job_log(snakemake.log[0]):
    files, params, run = snakemake.input, snakemake.params, snakemake.wildcards
    names = {"dataset": run.dataset, "backbone": run.backbone, "method": run.method, "seed": int(run.seed)}
    classes, device = class_names(files.classes), choose_device()
    backbone = Backbone.from_config(params.backbone, image_size=params.image_size)
    image_set, generated = load_chosen(files.images, files.choice)
    pictures = compose_training_set(read_table(files.train), generated, size=backbone.view.resize, mix=params.mix)
    seed = seed_for(params.seed, *names.values(), "training")
    online = Online.from_config(params.online, image_size=params.image_size)
    folder = weights_folder_of(files.weights)
    model, history = fit_classifier(
        backbone, pictures, classes=len(classes), seed=seed, online=online, weights_folder=folder, device=device
    )
    scores = evaluate_table(model, backbone, read_test_table(files.test), class_names=classes)
    origin = {"image_set": image_set, "miniature": params.miniature, "device": device}
    write_json(run_record(names, scores, pictures, history, **origin), snakemake.output[0])
