"""Rule score_images: what CLIP says of every picture of the set that a filter is given."""

from sgid.classes import prompt_names
from sgid.filter_scores import read_subjects, score_images
from sgid.image_encoders import load_image_encoder
from sgid.image_sets import load_chosen
from sgid.image_table import read_table, write_table
from sgid.runtime import choose_device, job_log, provenance

with job_log(snakemake.log[0]):
    files, params, device = snakemake.input, snakemake.params, choose_device()
    encoder = load_image_encoder(files.model[0], device=device, batch_size=params.batch_size)
    image_set, generated = load_chosen(files.images, files.choice)
    scores, seen = score_images(
        encoder,
        generated,
        read_table(files.originals),
        names=prompt_names(files.classes),
        subjects=read_subjects(files.texts),
        dataset=snakemake.wildcards.dataset,
    )
    about = {
        "noise_rate": image_set["noise_rate"],
        "encoder": encoder.name,
        "miniature": params.miniature,
        "seen_of_originals": seen,
    }
    write_table(scores, snakemake.output[0], metadata=about | {"provenance": provenance(device)})
