"""The LaTeX that is written compiles, in one column and in two, and no table is wider than its page."""

import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rendered_tables import published_grid
from small_tables import every_run, half_of, rendered

from sgid.matrix import Matrix
from sgid.table_formats import latex

NEEDED = "needs pdflatex with booktabs: apt-get install --no-install-recommends texlive-latex-recommended"
DOCUMENT = r"""
\documentclass[%s]{article}
\usepackage{booktabs,graphicx}
\begin{document}
%s
\end{document}
"""


def has_latex() -> bool:
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    return subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_latex(), reason=NEEDED)


def compiled(tables: list[str], folder: Path, *, options: str) -> str:
    """What pdflatex says of a document that holds these tables; it ends at the first error."""
    (folder / "tables.tex").write_text(DOCUMENT % (options, "\n".join(tables)), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "tables.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "tables.pdf").read_bytes().startswith(b"%PDF")
    return done.stdout


@pytest.mark.parametrize("options", ["", "twocolumn"])
def test_the_papers_tables_compile_and_fit_the_page(tmp_path, paper_config, options):
    matrix = Matrix(paper_config)
    tables = [latex(published_grid(matrix, table)) for table in ("table1", "table3", "table4")]
    said = compiled(tables, tmp_path, options=options)
    assert "Overfull" not in said
    assert "Float too large" not in said


def test_our_tables_compile_with_deviations_counts_marks_and_the_papers_numbers(tmp_path):
    chance = random.Random(0)
    runs = every_run(chance, miniature=False)
    drawn = every_run(chance, miniature=True)
    tables = [latex(rendered(part)[1]) for part in (runs, half_of(runs, chance), half_of(drawn, chance), [])]
    assert "Overfull" not in compiled(tables, tmp_path, options="twocolumn")


def test_titles_with_every_sign_that_latex_knows_compile(tmp_path):
    grid = replace(rendered(every_run(random.Random(0)))[1], title=r"50 % of $x_1^2$ & {a} ~ #3 \\ <b> \"q\" ± − × – *")
    compiled([latex(grid)], tmp_path, options="")
