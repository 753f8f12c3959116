"""Rule measure_consistency: how near one method's images stay to their originals, class by class."""

import pandas as pd

from sgid.consistency import measure_method
from sgid.image_sets import some_of_each_class
from sgid.image_table import read_tables
from sgid.runtime import choose_device, job_log, replacing
from sgid.similarity import load_clip

with job_log(snakemake.log[0]):
    params = snakemake.params
    classes = pd.read_csv(snakemake.input.classes, keep_default_na=False).set_index("label")
    clip = load_clip(snakemake.input.model[0], device=choose_device(), batch_size=params.batch_size)
    rows = measure_method(
        clip,
        some_of_each_class(read_tables(snakemake.input.originals), params.per_class, seed=params.base_seed),
        images=snakemake.input.images,
        choice=snakemake.input.choice,
        online=params.online,
        size=params.size,
        replicates=params.replicates,
        names=classes["name"].to_dict(),
        base_seed=params.base_seed,
    )
    labelled = rows.assign(encoder=clip.name, miniature=params.miniature)
    labelled.insert(0, "dataset", snakemake.wildcards.dataset)
    labelled.insert(1, "method", snakemake.wildcards.method)
    with replacing(snakemake.output[0]) as temporary:
        labelled.to_csv(temporary, index=False)
