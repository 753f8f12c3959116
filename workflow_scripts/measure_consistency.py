"""Rule measure_consistency: how near one method's images stay to their originals, class by class."""

from sgid.classes import class_names
from sgid.consistency import measure_method, named
from sgid.image_encoders import load_image_encoder
from sgid.image_sets import some_of_each_class
from sgid.image_table import read_tables
from sgid.results_table import write_frame
from sgid.runtime import choose_device, job_log

with job_log(snakemake.log[0]):
    params, of = snakemake.params, snakemake.wildcards
    encoder = load_image_encoder(snakemake.input.model[0], device=choose_device(), batch_size=params.batch_size)
    rows = measure_method(
        encoder,
        some_of_each_class(read_tables(snakemake.input.originals), params.per_class, seed=params.base_seed),
        images=snakemake.input.images,
        choice=snakemake.input.choice,
        online=params.online,
        size=params.size,
        replicates=params.replicates,
        names=dict(enumerate(class_names(snakemake.input.classes))),
        base_seed=params.base_seed,
    )
    rows = named(rows, dataset=of.dataset, method=of.method, encoder=encoder.name, miniature=params.miniature)
    write_frame(rows, snakemake.output[0])
