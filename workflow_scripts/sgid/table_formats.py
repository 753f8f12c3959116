"""One grid, three files: GitHub Markdown, booktabs LaTeX, self-contained HTML. Formatting only."""

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from sgid.tables import Block, Cell, Grid, as_printed

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem; max-width: 90rem; }
h1 { font-size: 1.25rem; } .wide { overflow-x: auto; margin-bottom: 2rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
caption.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
table { border-collapse: collapse; border-top: 2px solid #222; border-bottom: 2px solid #222; }
th, td { padding: .15rem .7rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th.name, th.backbone { text-align: left; font-weight: normal; }
th.backbone { vertical-align: top; font-weight: 600; } th[scope="colgroup"] { text-align: center; }
thead tr:last-child > * { border-bottom: 1px solid #999; }
tr.group > :not(.backbone) { border-top: 1px dotted #888; } tr.block > * { border-top: 1px solid #222; }
small { color: #666; } ul { color: #444; padding-left: 1.2rem; max-width: 60rem; }
/* Where a table is wider than its box, its edge is shaded; what scrolls along hides the shade at the end. */
.wide { background: linear-gradient(to left, #fff 1.5rem, transparent 3rem) right / 3rem 100% no-repeat local,
  linear-gradient(to left, #888, transparent) right / .9rem 100% no-repeat scroll; }
@media (max-width: 40rem) {
  body { margin: .8rem; } th, td { padding: .15rem .35rem; } tbody th { white-space: normal; }
  th.name { min-width: 5.5rem; max-width: 8rem; } th.backbone { max-width: 5.5rem; overflow-wrap: anywhere; }
}
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
    miniature: str


MARKDOWN = Markup(escape_markdown, "**{}**", "<ins>{}</ins>", "\\*", " ± {}", "–", " m")
LATEX = Markup(
    escape_latex, r"\textbf{{{}}}", r"\underline{{{}}}", r"$^{*}$", r"{{\scriptsize$\pm${}}}", "--", r"$^{\mathrm{m}}$"
)
HTML = Markup(html.escape, "<b>{}</b>", "<u>{}</u>", "*", " <small>± {}</small>", "–", " <sup>m</sup>")


def cell_text(cell: Cell, markup: Markup) -> str:
    """`75.72* ± 0.12 (3/5) m`: a mark around the number, a count where runs are missing, an m in the drawn world."""
    if math.isnan(cell.mean):
        return markup.missing
    number = decimal(cell.mean)
    number = markup.best.format(number) if cell.best else markup.second.format(number) if cell.second else number
    star = markup.star if cell.star else ""
    spread = "" if math.isnan(cell.std) else markup.spread.format(decimal(cell.std))
    return f"{number}{star}{spread}{_count(cell)}{markup.miniature if cell.miniature else ''}"


def _count(cell: Cell) -> str:
    return f" ({cell.n_done}/{cell.n_planned})" if 0 < cell.n_done < cell.n_planned else ""


def beside_paper_text(cell: Cell, markup: Markup) -> str:
    """`ours (3/5) / paper / difference`, a dash for what is missing, a count where runs are."""
    ours, paper = (_or_missing(value, ".2f", markup) for value in (cell.mean, cell.paper))
    return f"{ours}{_count(cell)} / {paper} / {_or_missing(cell.difference, '+.2f', markup)}"


def paper_text(cell: Cell, markup: Markup) -> str:
    """`paper (difference)`, which is as wide as a page of a paper allows."""
    return f"{_or_missing(cell.paper, '.2f', markup)} ({_or_missing(cell.difference, '+.2f', markup)})"


def _or_missing(value: float, form: str, markup: Markup) -> str:
    """The number, or the format's dash."""
    return markup.missing if math.isnan(value) else markup.escape(decimal(value, form))


def decimal(value: float, form: str = ".2f") -> str:
    """Two decimals, halves up, with a true minus sign, and no sign before zero."""
    number = format(as_printed(value), form)
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
    r"""A `table*` (`\usepackage{booktabs,graphicx}`), and one more with the paper's numbers where there are some."""
    ours = _latex_table(grid, cell_text, title=grid.title, notes=grid.notes)
    if not grid.beside_paper:
        return ours
    return ours + "\n" + _latex_table(grid, paper_text, title=f"{grid.title}: paper (ours less the paper's)", notes=())


def _latex_table(grid: Grid, text: Callable[[Cell, Markup], str], *, title: str, notes: tuple[str, ...]) -> str:
    corner = _corner(grid)
    blocks = "\n\\midrule\n".join(_latex_block(block, text, names=len(corner)) for block in grid.blocks)
    lines = [
        r"\begin{table*}", r"\centering", r"\small", r"\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{LATEX.escape(title)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{% shrunk only where the page is too narrow",
        rf"\begin{{tabular}}{{{'l' * len(corner)}{'r' * len(grid.columns)}}}", r"\toprule",
        *_latex_heads(grid, corner), r"\midrule", blocks, r"\bottomrule", r"\end{tabular}}",
        *(rf"\par\smallskip{{\footnotesize {LATEX.escape(note)}\par}}" for note in notes),
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


def _latex_block(block: Block, text: Callable[[Cell, Markup], str], *, names: int) -> str:
    lead, lines = LATEX.escape(block.title), []
    for place, group in enumerate(block.groups):
        if place:
            lines.append(r"\addlinespace")
        for row in group.rows:
            cells = [text(cell, LATEX) for cell in row.cells]
            lines.append(_ampersands([*[lead, LATEX.escape(row.title)][-names:], *cells]))
            lead = ""
    return "\n".join(lines)


def _ampersands(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _spans(grid: Grid) -> list[tuple[str, int]]:
    return [(name, len(list(part))) for name, part in groupby(grid.columns, key=lambda column: column[0])]


def html_page(grid: Grid) -> str:
    """One page that needs no other file; a wide table scrolls by keyboard as well."""
    title = HTML.escape(grid.title)
    tables = [_html_table(grid, cell_text, caption=f'<caption class="unseen">{title}</caption>')]
    if grid.beside_paper:
        caption = "<caption>Ours / paper / difference</caption>"
        tables.append(_html_table(grid, beside_paper_text, caption=caption))
    notes = "\n".join(f"<li>{HTML.escape(note)}</li>" for note in grid.notes)
    head = (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n</style>"
    )
    body = "\n".join([f"<h1>{title}</h1>", *tables, f"<ul>\n{notes}\n</ul>"])
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _html_table(grid: Grid, text: Callable[[Cell, Markup], str], *, caption: str) -> str:
    bodies = [line for block in grid.blocks for line in _html_block(block, text, names=len(_corner(grid)))]
    label = f'<div class="wide" role="region" tabindex="0" aria-label="{HTML.escape(grid.title)}">'
    return "\n".join([label, "<table>", caption, "<thead>", *_html_heads(grid), "</thead>", *bodies, "</table></div>"])


def _html_heads(grid: Grid) -> list[str]:
    corner = "".join(f'<th scope="col" class="name">{name}</th>' for name in _corner(grid))
    if not any(variant for _, variant in grid.columns):
        heads = "".join(f'<th scope="col">{HTML.escape(head)}</th>' for head in _heads(grid))
        return [f"<tr>{corner}{heads}</tr>"]
    spans = [f'<th scope="colgroup" colspan="{width}">{HTML.escape(name)}</th>' for name, width in _spans(grid)]
    variants = "".join(f'<th scope="col">{HTML.escape(variant)}</th>' for _, variant in grid.columns)
    return [f'<tr><td colspan="{len(_corner(grid))}"></td>{"".join(spans)}</tr>', f"<tr>{corner}{variants}</tr>"]


def _html_block(block: Block, text: Callable[[Cell, Markup], str], *, names: int) -> list[str]:
    lines, rows = [], sum(len(group.rows) for group in block.groups)
    lead = (
        f'<th scope="rowgroup" rowspan="{rows}" class="backbone">{HTML.escape(block.title)}</th>' if names > 1 else ""
    )
    for place, group in enumerate(block.groups):
        for number, row in enumerate(group.rows):
            kind = "" if number else ' class="group"' if place else ' class="block"'
            cells = "".join(f"<td>{text(cell, HTML)}</td>" for cell in row.cells)
            lines.append(f'<tr{kind}>{lead}<th scope="row" class="name">{HTML.escape(row.title)}</th>{cells}</tr>')
            lead = ""
    return ["<tbody>", *lines, "</tbody>"]
