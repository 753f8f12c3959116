"""One grid, three files: GitHub Markdown, booktabs LaTeX, self-contained HTML. Formatting only."""

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from sgid.tables import Block, Cell, Grid, Row

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem; max-width: 90rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; border-top: 2px solid #222; border-bottom: 2px solid #222; }
th, td { padding: .15rem .7rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th.name, td.name { text-align: left; font-weight: normal; }
thead tr:first-child th { border-bottom: 1px solid #999; text-align: center; }
tr.group td { border-top: 1px dotted #888; } tr.block td { border-top: 1px solid #222; }
td.backbone { text-align: left; vertical-align: top; font-weight: 600; }
small { color: #666; } ul { color: #444; padding-left: 1.2rem; max-width: 60rem; }
""".strip()
LATEX_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "±": r"$\pm$", "–": "--",
    "−": "$-$", "×": r"$\times$", "*": r"$^{*}$",
}  # fmt: skip


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, "\\" + sign)
    return text


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is, signs outside ASCII in mathematics mode."""
    return "".join(LATEX_SIGNS.get(sign, sign) for sign in text)


@dataclass(frozen=True)
class Markup:
    """How one format writes the parts of a cell; `{}` is the part."""

    escape: Callable[[str], str]
    best: str
    second: str
    star: str
    spread: str
    missing: str


MARKDOWN = Markup(escape_markdown, "**{}**", "<ins>{}</ins>", "\\*", " ± {}", "–")
LATEX = Markup(escape_latex, r"\textbf{{{}}}", r"\underline{{{}}}", r"$^{*}$", r"{{\scriptsize$\pm${}}}", "--")
HTML = Markup(html.escape, "<b>{}</b>", "<u>{}</u>", "*", " <small>± {}</small>", "–")


def cell_text(cell: Cell, markup: Markup) -> str:
    """`75.72* ± 0.12 (3/5)`, with the mark around the number and the count only where runs are missing."""
    if math.isnan(cell.mean):
        return markup.missing
    number = f"{cell.mean:.2f}"
    number = markup.best.format(number) if cell.best else markup.second.format(number) if cell.second else number
    star = markup.star if cell.star else ""
    spread = "" if math.isnan(cell.std) else markup.spread.format(f"{cell.std:.2f}")
    count = f" ({cell.n_done}/{cell.n_planned})" if cell.n_done < cell.n_planned else ""
    return f"{number}{star}{spread}{count}"


def beside_paper_text(cell: Cell, markup: Markup) -> str:
    """`ours / paper / difference`, a dash for what is missing."""
    parts = [(cell.mean, "{:.2f}"), (cell.paper, "{:.2f}"), (cell.difference, "{:+.2f}")]
    return " / ".join(markup.missing if math.isnan(value) else _signed(form.format(value)) for value, form in parts)


def _signed(number: str) -> str:
    """A true minus sign, and no sign before zero."""
    return "0.00" if number in ("+0.00", "-0.00") else number.replace("-", "−")


def _corner(grid: Grid) -> list[str]:
    return ["Backbone", "Method"] if len(grid.blocks) > 1 else ["Method"]


def _heads(grid: Grid) -> list[str]:
    return [f"{dataset} {variant}".strip() for dataset, variant in grid.columns]


def markdown(grid: Grid) -> str:
    """GitHub Markdown: title, ours, the side by side with the paper where there is one, notes."""
    notes = "\n".join(f"- {MARKDOWN.escape(note)}" for note in grid.notes)
    parts = [f"# {MARKDOWN.escape(grid.title)}", _markdown_table(grid, cell_text)]
    if grid.beside_paper:
        parts += ["## Ours / paper / difference", _markdown_table(grid, beside_paper_text)]
    return "\n\n".join([*parts, notes]) + "\n"


def _markdown_table(grid: Grid, text: Callable[[Cell, Markup], str]) -> str:
    corner, heads = _corner(grid), _heads(grid)
    lines = [_pipes([*corner, *map(MARKDOWN.escape, heads)]), _pipes([":--"] * len(corner) + ["--:"] * len(heads))]
    for block in grid.blocks:
        lead = [f"**{MARKDOWN.escape(block.title)}**"]
        for place, group in enumerate(block.groups):
            if place:
                names = ["", f"*{MARKDOWN.escape(group.name)}*"][-len(corner) :]
                lines.append(_pipes([*names, *[""] * len(heads)]))
            for row in group.rows:
                names = [*lead, MARKDOWN.escape(row.title)][-len(corner) :]
                lines.append(_pipes([*names, *(text(cell, MARKDOWN) for cell in row.cells)]))
                lead = [""]
    return "\n".join(lines)


def _pipes(fields: list[str]) -> str:
    return f"| {' | '.join(fields)} |"


def latex(grid: Grid) -> str:
    r"""A `table*` for booktabs (`\usepackage{booktabs}`), without the side by side with the paper."""
    corner = _corner(grid)
    lines = [
        r"\begin{table*}", r"\centering", r"\small", r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{LATEX.escape(grid.title)}}}",
        rf"\begin{{tabular}}{{{'l' * len(corner)}{'r' * len(grid.columns)}}}", r"\toprule",
        *_latex_heads(grid, corner), r"\midrule",
        *"\n\\midrule\n".join(_latex_block(block, len(corner)) for block in grid.blocks).split("\n"),
        r"\bottomrule", r"\end{tabular}", "",
        *(rf"\par\smallskip{{\footnotesize {LATEX.escape(note)}\par}}" for note in grid.notes),
        r"\end{table*}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _latex_heads(grid: Grid, corner: list[str]) -> list[str]:
    if not any(variant for _, variant in grid.columns):
        return [_ampersands([*corner, *map(LATEX.escape, _heads(grid))])]
    spans = _spans(grid)
    first = [*[""] * len(corner), *(rf"\multicolumn{{{width}}}{{c}}{{{LATEX.escape(name)}}}" for name, width in spans)]
    second = [*corner, *(LATEX.escape(variant) for _, variant in grid.columns)]
    starts = [len(corner) + 1 + sum(width for _, width in spans[:place]) for place in range(len(spans))]
    rules = [rf"\cmidrule(lr){{{s}-{s + width - 1}}}" for s, (_, width) in zip(starts, spans, strict=True)]
    return [_ampersands(first), "".join(rules), _ampersands(second)]


def _latex_block(block: Block, names: int) -> str:
    lead, lines = LATEX.escape(block.title), []
    for place, group in enumerate(block.groups):
        if place:
            lines.append(r"\addlinespace")
        for row in group.rows:
            lines.append(_ampersands([*[lead, LATEX.escape(row.title)][-names:], *_texts(row, LATEX)]))
            lead = ""
    return "\n".join(lines)


def _ampersands(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _texts(row: Row, markup: Markup) -> list[str]:
    return [cell_text(cell, markup) for cell in row.cells]


def _spans(grid: Grid) -> list[tuple[str, int]]:
    return [(name, len(list(part))) for name, part in groupby(grid.columns, key=lambda column: column[0])]


def html_page(grid: Grid) -> str:
    """One page that needs no other file."""
    beside = ""
    if grid.beside_paper:
        beside = f"<h2>Ours / paper / difference</h2>\n{_html_table(grid, beside_paper_text)}\n"
    notes = "\n".join(f"<li>{HTML.escape(note)}</li>" for note in grid.notes)
    title = HTML.escape(grid.title)
    head = f'<meta charset="utf-8">\n<title>{title}</title>\n<style>\n{STYLE}\n</style>'
    return (
        f'<!doctype html>\n<html lang="en">\n{head}\n'
        f"<h1>{title}</h1>\n{_html_table(grid, cell_text)}\n{beside}<ul>\n{notes}\n</ul>\n</html>\n"
    )


def _html_table(grid: Grid, text: Callable[[Cell, Markup], str]) -> str:
    body = [line for block in grid.blocks for line in _html_block(block, text, names=len(_corner(grid)))]
    return "\n".join(['<div class="wide"><table>', "<thead>", *_html_heads(grid), "</thead>", *body, "</table></div>"])


def _html_heads(grid: Grid) -> list[str]:
    corner = "".join(f'<th class="name">{name}</th>' for name in _corner(grid))
    if not any(variant for _, variant in grid.columns):
        return [f"<tr>{corner}{''.join(f'<th>{HTML.escape(head)}</th>' for head in _heads(grid))}</tr>"]
    spans = "".join(f'<th colspan="{width}">{HTML.escape(name)}</th>' for name, width in _spans(grid))
    variants = "".join(f"<th>{HTML.escape(variant)}</th>" for _, variant in grid.columns)
    return [f'<tr><th colspan="{len(_corner(grid))}"></th>{spans}</tr>', f"<tr>{corner}{variants}</tr>"]


def _html_block(block: Block, text: Callable[[Cell, Markup], str], *, names: int) -> list[str]:
    lines = []
    for place, group in enumerate(block.groups):
        for number, row in enumerate(group.rows):
            kind = "" if number else ' class="group"' if place else ' class="block"'
            lead = HTML.escape(block.title) if not (place or number) else ""
            cells = "".join(f"<td>{text(cell, HTML)}</td>" for cell in row.cells)
            first = f'<td class="backbone">{lead}</td>' if names > 1 else ""
            lines.append(f'<tr{kind}>{first}<td class="name">{HTML.escape(row.title)}</td>{cells}</tr>')
    return lines
