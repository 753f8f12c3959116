"""Rule name_classes: the names of a data set's classes in prompts, and a preview of those prompts."""

from sgid.classes import class_names
from sgid.datasets.naming import check_prompt_names, class_table, preview
from sgid.results_table import read_frame, write_frame
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    dataset, prompt_names = snakemake.wildcards.dataset, snakemake.params.prompt_names
    names = class_names(snakemake.input.labels)
    check_prompt_names(dataset, snakemake.config["datasets"][dataset], names)
    classes = class_table(names, prompt_names)
    write_frame(classes, snakemake.output.classes)
    index, left_out = read_frame(snakemake.input.index), len(read_frame(snakemake.input.left_out))
    text = preview(dataset, classes, index=index, left_out=left_out, prompt_names=prompt_names)
    write_text(text, snakemake.output.preview)
