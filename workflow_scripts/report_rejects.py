"""Rule report_rejects: what a filter left out, by reason and by class, and how its scores lie."""

from pathlib import Path

from sgid.classes import class_names
from sgid.filter_pages import html_page, markdown, notes_of, sections_of, title_of
from sgid.filter_tables import counts_of
from sgid.image_sets import set_among, stamp_of
from sgid.image_table import read_metadata
from sgid.rejection import read_pictures, read_verdicts
from sgid.rejects import read_reasons
from sgid.results_table import write_frame
from sgid.runtime import job_log, read_json, write_text

with job_log(snakemake.log[0]):
    files, output = snakemake.input, snakemake.output
    path, names = set_among(files.images, files.choice), class_names(files.classes)
    heading, head = snakemake.params.heading, read_json(path)
    pictures = read_pictures(path, clip=files.clip, judgements=files.judgements)
    counts = counts_of(read_verdicts(files.verdicts), read_reasons(files.rejects), recipe=heading, names=names)
    sections, title = sections_of(counts, pictures, heading=heading), title_of(heading)
    record = next(map(read_json, files.judgements[1:]), None)
    seen = next((read_metadata(scores)["seen_of_originals"] for scores in files.clip), None)
    told = {"noise_rate": head["noise_rate"], "stamp": stamp_of(head), "seen": seen, "record": record}
    notes = notes_of(counts, pictures, heading=heading, **told)
    about = {name: heading[name] for name in ("dataset", "recipe", "miniature")}
    write_frame(counts.assign(**about), output.csv)
    write_text(markdown(title, sections, notes), output.md)
    page = {"notes": notes, "picture": f"{heading['recipe']}.png"}
    write_text(html_page(Path(files.template).read_text("utf-8"), title, sections, **page), output.html)
