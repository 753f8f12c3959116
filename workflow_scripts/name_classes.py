"""Rule name_classes: the names of a data set's classes in prompts, and a preview of those prompts."""

from sgid.classes import class_names
from sgid.datasets.naming import class_table, preview
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    prompt_names = snakemake.params.prompt_names
    classes = class_table(class_names(snakemake.input.labels), prompt_names)
    write_frame(classes, snakemake.output.classes)
    index = read_frame(snakemake.input.index)
    write_text(preview(snakemake.wildcards.dataset, classes, index, prompt_names), snakemake.output.preview)
