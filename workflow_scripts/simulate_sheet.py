"""Rule simulate_sheet: a sheet that chance has filled in, for the demo and the tests."""

from sgid.rating_sheets import sheet_text
from sgid.rating_simulation import simulate_sheet
from sgid.runtime import job_log, read_json, write_text

with job_log(snakemake.log[0]):
    sheet = simulate_sheet(read_json(snakemake.input.key), int(snakemake.wildcards.annotator))
    write_text(sheet_text(sheet), snakemake.output[0])
