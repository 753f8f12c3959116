"""Rule train_candidate: what one noise rate is worth, trained without the validation images and measured on them."""

from sgid.backbones import Backbone, weights_folder_of
from sgid.classes import class_names
from sgid.composition import compose_training_set
from sgid.evaluation import evaluate_table, run_record
from sgid.image_sets import load_chosen
from sgid.image_table import read_table
from sgid.runtime import choose_device, job_log, write_json
from sgid.seeding import seed_for
from sgid.training import fit_classifier

with job_log(snakemake.log[0]):
    files, params, run = snakemake.input, snakemake.params, snakemake.wildcards
    names = {"dataset": run.dataset, "backbone": params.backbone_name, "method": run.recipe, "seed": int(run.seed)}
    classes, device = class_names(files.classes), choose_device()
    backbone = Backbone.from_config(params.backbone, image_size=params.image_size)
    train, validation = read_table(files.train), read_table(files.validation)
    image_set, generated = load_chosen([files.images], [])
    held_out = set(validation["image_id"].to_pylist())
    pictures = compose_training_set(train, generated, size=backbone.view.resize, held_out=held_out)
    # Every noise rate trains from the same seed, so that candidates differ in their images alone.
    seed, folder = seed_for(params.seed, *names.values(), "training"), weights_folder_of(files.weights)
    model, history = fit_classifier(
        backbone, pictures, classes=len(classes), seed=seed, weights_folder=folder, device=device
    )
    scores = evaluate_table(model, backbone, validation, class_names=classes) | {"split": "validation"}
    origin = {"image_set": image_set, "miniature": params.miniature, "device": device}
    write_json(run_record(names, scores, pictures, history, **origin), snakemake.output[0])
