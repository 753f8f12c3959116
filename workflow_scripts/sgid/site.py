"""The site: pages that open offline, put together from what the build's tables and figures already say."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from sgid.html_pages import page_environment
from sgid.results_table import short_commit
from sgid.runtime import read_json
from sgid.site_costs import Cost
from sgid.site_runs import origins, runs_by_row
from sgid.site_tables import SiteTable, shown_tests, site_table
from sgid.table_notes import notes_of


@dataclass(frozen=True)
class Figure:
    """A figure with the text below it, as paragraphs, and its other files, by suffix."""

    name: str
    title: str
    caption: tuple[str, ...]
    others: tuple[str, ...]
    miniature: bool

    @property
    def alt(self) -> str:
        """What stands for the picture: its title and the first sentence of its caption; all of that stands below it."""
        first = " ".join(self.caption[:1]).split(". ")[0].removesuffix(".")
        return ". ".join(filter(None, [f"{'Miniature: ' if self.miniature else ''}{self.title}", first])) + "."


def templates_of(paths: Iterable[str]) -> jinja2.Environment:
    """An environment with these files by their names; whatever is put in is escaped."""
    sources = {Path(path).name: Path(path).read_text(encoding="utf-8") for path in paths}
    filters = {
        "thousands": "{:,}".format, "percent": "{:.2f}".format, "duration": duration, "memory": memory,
        "short": short_commit, "counted": counted,
    }  # fmt: skip
    return page_environment(filters, sources=sources)


def counted(number: int, noun: str) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """`1:02:03`, hours first; fractions of a second are left out."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def memory(mebibytes: float) -> str:
    """In MiB, from 1,024 of them in GiB."""
    return f"{mebibytes / 1024:.1f} GiB" if mebibytes >= 1024 else f"{mebibytes:.0f} MiB"


def render_table_page(
    environment: jinja2.Environment, frames: Mapping[str, pd.DataFrame], layout: Mapping[str, Any], *, commit: str
) -> str:
    """The page of one table. frames: `cells`, `runs`, `tests`, perhaps `predictions`; commit: of this page."""
    cells, runs = frames["cells"], frames["runs"]
    table = site_table(cells, runs, layout)
    behind = runs_by_row(cells, runs, table, titles=layout["titles"])
    tests = {name: shown_tests(frames[name], layout["titles"]) for name in ("tests", "predictions") if name in frames}
    notes = notes_of(runs, frames["tests"], star=layout["star"], titles=layout["titles"])
    shown = {"table": table, "notes": notes, "behind": behind, "origins": origins(behind)}
    return environment.get_template("site_table.html.j2").render(
        **shown, tests=tests, miniature=table.miniature, partial=layout["partial"], commit=commit
    )


def render_index(
    environment: jinja2.Environment,
    layout: Mapping[str, Any],
    tables: Sequence[SiteTable],
    *,
    choices: Sequence[Mapping[str, Any]],
    costs: Sequence[Cost],
    captions: Mapping[str, str],
    commit: str,
) -> str:
    """The way in. layout: of `SitePages.layout`; choices: the records of results/selection; captions: name to text."""
    return environment.get_template("site_index.html.j2").render(
        **{**layout, "tables": tables, "figures": figures_of(layout["figures"], captions)},
        choices=choices,
        costs=[asdict(cost) for cost in costs],
        commit=commit,
    )


def tables_of(frames: Iterable[tuple[pd.DataFrame, pd.DataFrame]], layouts: Iterable[Mapping]) -> list[SiteTable]:
    """The tables of the build. frames: (cells, runs) of each, in the order of their layouts."""
    return [site_table(cells, runs, layout) for (cells, runs), layout in zip(frames, layouts, strict=True)]


def figures_of(figures: Iterable[Mapping], captions: Mapping[str, str]) -> list[Figure]:
    """Figures with their captions."""
    return [
        Figure(
            each["name"],
            each["title"],
            caption=tuple(plain(captions[each["caption"]])),
            others=tuple(each["others"]),
            miniature=each["miniature"],
        )
        for each in figures
    ]


def captions_of(paths: Iterable[str]) -> dict[str, str]:
    """Name to text of the report's captions."""
    return {Path(path).stem: Path(path).read_text(encoding="utf-8") for path in paths}


def plain(text: str) -> list[str]:
    """The paragraphs of a caption in reStructuredText, without its marks."""
    text = re.sub(r"\\ ?:sub:`([^`]*)`", r"\1", text)
    text = re.sub(r"``([^`]+)``|\*\*?([^*\n]+)\*\*?", lambda found: found[1] or found[2], text).replace("\\", "")
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def read_choices(paths: Iterable[str]) -> list[dict[str, Any]]:
    """What validation chose, from records of a noise rate, or of a recipe with its noise rate."""
    return [_choice(read_json(path), path) for path in paths]


def _choice(record: Mapping[str, Any], path: str) -> dict[str, Any]:
    chosen = record["chosen"]
    return {
        "path": path,
        "dataset": record["dataset"],
        "subject": record.get("method") or record["recipe"],
        "chosen": _words(chosen),
        "rule": record["rule"],
        "candidates": [
            {**each, "words": _words({name: each[name] for name in chosen}), "chosen": chosen.items() <= each.items()}
            for each in record["candidates"]
        ],
    }


def _words(of: Mapping[str, str]) -> str:
    """`sgid, noise rate 0.5`"""
    return ", ".join(f"noise rate {value}" if name == "noise_rate" else value for name, value in of.items())
