"""Rule write_sentences: T5's sentences about each class of a data set, the prompts of Text2Img."""

import yaml

from sgid.classes import prompt_names
from sgid.runtime import choose_device, job_log, write_text
from sgid.sentences import load_writer, write_sentences

with job_log(snakemake.log[0]):
    sentences = write_sentences(
        load_writer(snakemake.input.model[0], device=choose_device()),
        list(prompt_names(snakemake.input.classes).values()),
        count=snakemake.params.number,
        max_length=snakemake.params.max_length,
        dataset=snakemake.wildcards.dataset,
        base_seed=snakemake.params.base_seed,
    )
    write_text(yaml.safe_dump(sentences, sort_keys=False, allow_unicode=True), snakemake.output[0])
