"""Rule reject_by_chance: as many pictures of each class as another filter leaves out, whichever they are."""

from sgid.image_sets import set_among
from sgid.rejection import by_chance, read_pictures, rejected
from sgid.rejects import read_rejects, reject_list
from sgid.results_table import write_frame
from sgid.runtime import job_log, write_text

with job_log(snakemake.log[0]):
    files, output = snakemake.input, snakemake.output
    pictures = read_pictures(set_among(files.images, files.choice), clip=[], judgements=[])
    found = by_chance(pictures, read_rejects(files.pattern), seed=snakemake.params.seed)
    write_frame(found, output.verdicts)
    write_text(reject_list(rejected(found)), output.rejects)
