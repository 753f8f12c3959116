"""What a reader sees in a rendered table: rows of cells taken back out of Markdown, LaTeX and HTML."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from sgid.matrix import Matrix
from sgid.paper_numbers import read_paper_numbers
from sgid.presentation import Presentation
from sgid.table_notes import published_notes
from sgid.tables import Grid, lay_out, published_cells

PAPER = Path(__file__).parents[2] / "config" / "paper"
SIGNS = {
    "markdown": (r"\*\*(.*?)\*\*", r"<ins>(.*?)</ins>", r"\\\*", "–", r" m\b"),
    "latex": (r"\\textbf\{(.*?)\}", r"\\underline\{(.*?)\}", r"\$\^\{\*\}\$", "--", r"\$\^\{\\mathrm\{m\}\}\$"),
    "html": (r"<b>(.*?)</b>", r"<u>(.*?)</u>", r"\*", "–", r"<sup>m</sup>"),
}


@dataclass(frozen=True)
class Shown:
    """One cell as printed: the digits, its marks, and `(k/n)` as a pair where runs are missing."""

    number: str
    best: bool = False
    second: bool = False
    star: bool = False
    count: tuple[int, int] | None = None
    miniature: bool = False


def published_grid(matrix: Matrix, table: str) -> Grid:
    """One of the paper's tables, as `paper_tables` lays it out."""
    show = Presentation(matrix)
    titles, numbers = show.titles(table), [PAPER / f"{matrix.entry(table)['paper']}.csv"]
    cells = published_cells(matrix.cells(table), read_paper_numbers(numbers, datasets=show.paper_names(table)))
    return lay_out(cells, titles=titles, title=show.title(table), notes=published_notes(cells, titles=titles))


def shown_rows(text: str, form: str, *, table: int = 0) -> list[tuple[str, list[Shown]]]:
    """(row title, cells) of one of the tables of a rendered file, heads left out."""
    rows = {"markdown": markdown_rows, "latex": latex_rows, "html": html_rows}[form](text, table)
    return [(title, [shown(cell, form) for cell in cells]) for title, cells in rows]


def shown(cell: str, form: str) -> Shown:
    best, second, star, missing, miniature = SIGNS[form]
    if cell.strip() == missing:
        return Shown("")
    count = re.search(r"\((\d+)/(\d+)\)", cell)
    return Shown(
        number=re.search(r"\d+\.\d\d", cell).group(),
        best=bool(re.search(best, cell)),
        second=bool(re.search(second, cell)),
        star=bool(re.search(star, re.sub(best, r"\1", cell))),
        count=(int(count[1]), int(count[2])) if count else None,
        miniature=bool(re.search(miniature, cell)),
    )


def markdown_rows(text: str, table: int) -> list[tuple[str, list[str]]]:
    tables = [part.strip().splitlines() for part in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)]
    names = 2 if tables[table][0].startswith("| Backbone") else 1
    rows = [[field.strip() for field in line.strip("|").split(" | ")] for line in tables[table][2:]]
    return [(row[names - 1], row[names:]) for row in rows if any(row[names:])]


def latex_rows(text: str, table: int) -> list[tuple[str, list[str]]]:
    body = text.split(r"\begin{tabular}")[table + 1].split(r"\end{tabular}")[0]
    heads, body = body.split(r"\midrule", 1)
    names = 2 if "Backbone &" in heads else 1
    rows = [
        line.removesuffix(r" \\").replace(r"\&", "+and+").split(" & ") for line in body.splitlines() if " & " in line
    ]
    return [(row[names - 1].replace("+and+", "&"), row[names:]) for row in rows]


class Rows(HTMLParser):
    """Rows of the bodies of all tables: the heading of scope "row", and the data cells with their mark-up."""

    def __init__(self):
        super().__init__()
        self.tables, self.inside = [], ""

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(["", []])
        elif tag == "th":
            self.inside = "title" if attributes.get("scope") == "row" else ""
        elif tag == "td":
            self.tables[-1][-1][1].append("")
            self.inside = "cell"
        elif self.inside == "cell":
            self.tables[-1][-1][1][-1] += f"<{tag}>"

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = ""
        elif self.inside == "cell":
            self.tables[-1][-1][1][-1] += f"</{tag}>"

    def handle_data(self, data):
        if self.inside == "title":
            self.tables[-1][-1][0] += data
        elif self.inside == "cell":
            self.tables[-1][-1][1][-1] += data


def html_rows(text: str, table: int) -> list[tuple[str, list[str]]]:
    parser = Rows()
    parser.feed(text)
    return [(title, cells) for title, cells in parser.tables[table] if title]
