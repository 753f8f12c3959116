"""Rule reject_images: which pictures a filtered recipe leaves out by its rules, and why."""

from sgid.image_sets import set_among
from sgid.rejection import read_pictures, rejected, verdicts
from sgid.rejects import reject_list
from sgid.results_table import write_frame
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    files, output = snakemake.input, snakemake.output
    pictures = read_pictures(set_among(files.images, files.choice), clip=files.clip, judgements=files.judgements)
    found = verdicts(pictures, snakemake.params.rules)
    write_frame(found, output.verdicts)
    write_text(reject_list(rejected(found)), output.rejects)
