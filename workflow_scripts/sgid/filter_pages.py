"""The report of a filter as Markdown and HTML. Formatting only; the numbers are computed in `filter_tables`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sgid.filter_tables import ALL, QUANTILES, SCORES, agreement_of, bare_classes, spread_of
from sgid.html_pages import page_environment
from sgid.recipes import LIKE, rules_of
from sgid.rejection import in_words
from sgid.table_formats import STYLE, escape_markdown


@dataclass(frozen=True)
class Section:
    """One table: a title, heads, rows of text whose first field is a name; whether the last row is of all."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]
    totals: bool = True


def percent(share: float) -> str:
    """A share with one decimal."""
    return f"{100 * share:.1f} %"


def title_of(heading: Mapping) -> str:
    """The title of a report. `heading`: data set, its title, recipe, what it filters and how, miniature."""
    mark = " (miniature)" if heading["miniature"] else ""
    return f"{heading['title']}: {heading['filters']} filtered as {heading['recipe']}{mark}"


def sections_of(counts: pd.DataFrame, pictures: pd.DataFrame, *, heading: Mapping) -> list[Section]:
    """By reason, by class, and the spread of the scores where there are any."""
    parts = [by_reason(counts, rules_of(heading)), by_class(counts)]
    spread = spread_of(pictures)
    return [*parts, scores_section(spread)] if len(spread) else parts


def by_reason(counts: pd.DataFrame, rules: Mapping[str, float]) -> Section:
    """The reasons of all classes together; `rules`: the numbers that tune them."""
    numbers = {in_words(rule): "on" if value is True else f"{value:g}" for rule, value in rules.items()}
    rows = [
        (row.reason, numbers.get(row.reason, ""), f"{row.left_out:,}", percent(row.share), f"{row.applying:,}")
        for row in counts[counts["class_name"] == ALL].itertuples()
    ]
    return Section("By reason", ("Reason", "Rule", "Left out", "Of the drawn", "Applies to"), [*rows[1:], rows[0]])


def by_class(counts: pd.DataFrame) -> Section:
    """A row a class, the one that loses most first, and what of it each reason leaves out."""
    reasons = [reason for reason in counts["reason"].unique() if reason != ALL]
    rows = []
    for name, part in counts.groupby("class_name", sort=False):
        whole, own = part[part["reason"] == ALL].iloc[0], part.set_index("reason")["left_out"]
        numbers = (f"{whole['drawn']:,}", f"{whole['left_out']:,}", percent(whole["share"]))
        rows.append((str(name), *numbers, *(f"{own[reason]:,}" for reason in reasons)))
    return Section("By class", ("Class", "Drawn", "Left out", "Share", *reasons), [*rows[1:], rows[0]])


def scores_section(spread: pd.DataFrame) -> Section:
    """How the scores lie, so that a number for a rule can be found."""
    rows = [(*SCORES[str(score)], *(f"{value:.3f}" for value in values)) for score, values in spread.iterrows()]
    heads = ("Score", "For the rules", *(f"{100 * share:.0f} %" for share in QUANTILES))
    return Section("How the scores lie: so many of the pictures are below", heads, rows, totals=False)


def notes_of(
    counts: pd.DataFrame,
    pictures: pd.DataFrame,
    *,
    heading: Mapping,
    noise_rate: str,
    stamp: str,
    seen: float | None,
    record: Mapping | None,
) -> list[str]:
    """What a reader must know. `stamp`: of a miniature set, else empty; `seen`: share of originals whose class CLIP
    sees; `record`: of the classifier.
    """
    notes = [stamp] if stamp else []
    notes.append(
        f"Of the pictures of recipe {heading['filters']} at noise rate {noise_rate}. A picture counts under the first "
        "reason that applies; “applies to” counts every one."
    )
    if like := heading["filter"].get(LIKE):
        notes.append(f"Control: as many pictures of each class as {like} leaves out, taken by chance.")
    agreements = agreement_of(pictures).items()
    notes += [f"In {percent(share)} of the pictures {who} sees the class of the label." for who, share in agreements]
    notes += [] if seen is None else [f"Of the originals that they were drawn from, CLIP sees it in {percent(seen)}."]
    if record:
        notes.append(
            f"The classifier ({record['backbone']}) learnt from the originals without the validation images, of which "
            f"it tells {record['accuracy']:.1f} % right ({record['test_images']:,} images)."
        )
    if bare := bare_classes(counts):
        notes.append(f"No picture is left of {len(bare)} classes, which keep their originals: {', '.join(bare)}.")
    return notes


def markdown(title: str, sections: Sequence[Section], notes: Sequence[str]) -> str:
    """The report for a terminal or GitHub."""
    parts = [f"# {escape_markdown(title)}"]
    for section in sections:
        lines = [section.heads, [":--", *["--:"] * (len(section.heads) - 1)]]
        lines += [tuple(map(escape_markdown, row)) for row in section.rows]
        parts += [f"## {section.title}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join([*parts, "\n".join(f"- {escape_markdown(note)}" for note in notes)]) + "\n"


def html_page(template: str, title: str, sections: Sequence[Section], *, notes: Sequence[str], picture: str) -> str:
    """The report as one page; `picture`: the name of the file beside it that shows rejected pictures."""
    values = {"title": title, "sections": sections, "notes": notes, "picture": picture, "style": STYLE}
    return page_environment().from_string(template).render(values)
