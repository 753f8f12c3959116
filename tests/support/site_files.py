"""Results of the paper's Table 3 as files, half of them missing, for pages of the site; the numbers are made up."""

from pathlib import Path

import pandas as pd
from configuration_files import CONFIG
from drawn_sets import drawn_row, with_pictures, write_set
from PIL import Image

from sgid.image_table import write_table
from sgid.matrix import Matrix, Run
from sgid.paper_numbers import read_paper_numbers
from sgid.presentation import Presentation
from sgid.results_table import long_form
from sgid.runtime import write_json, write_text
from sgid.significance import compare_with_best
from sgid.site import captions_of, render_index, render_table_page, tables_of, templates_of
from sgid.site_costs import Cost
from sgid.site_paths import SitePages
from sgid.site_pictures import render_pictures, shown_pictures
from sgid.tables import table_cells

REPORT = CONFIG.parent / "report"
TEMPLATES = sorted(map(str, REPORT.glob("site_*.html.j2")))
CHOICE = {
    "path": "results/selection/pets/sgid.json", "dataset": "pets", "subject": "sgid", "chosen": "noise rate 0.5",
    "rule": "highest mean", "candidates": [
        {"words": "noise rate 0.3", "mean": 70.25, "seeds": [0], "accuracies": [70.25], "chosen": False},
        {"words": "noise rate 0.5", "mean": 71.5, "seeds": [0], "accuracies": [71.5], "chosen": True},
    ],
}  # fmt: skip
COSTS = [Cost("draw_images", "pets", 3, 7_322.0, 20_480.0), Cost("train_classifier", "dtd", 8, 90.0, 900.0, 2, 12)]
PROVENANCE = {
    "commit": "0123456789abcdef",
    "dirty": False,
    "python": "3.11",
    "packages": {"torch": "2"},
    "device": "cpu",
}
FACTS = {"train_images": 7_000, "generated_images": 3_500, "test_images": 3_669, "epochs": 30, "noise_rate": "0.5"}


def is_done(run: Run) -> bool:
    """All of Pets, two seeds of DTD, a data set in which one row is missing, none of Cars."""
    some = {"cifar100": run.method != "sgid", "dtd": run.seed < 2, "cars": False}
    return some.get(run.dataset, True)


def made_up_runs(matrix: Matrix, table: str) -> list[dict]:
    """Records of the runs that are done; no order in the accuracies of rows."""
    return [
        {"dataset": run.dataset, "backbone": run.backbone, "method": run.method, "seed": run.seed}
        | {
            "accuracy": 60 + 7 * place % 17 + run.seed * (place % 5) / 7,
            "seconds": 100.0,
            "miniature": False,
            "provenance": PROVENANCE,
        }
        | FACTS
        for place, run in enumerate(matrix.runs([table]))
        if is_done(run)
    ]


def frames_of(config: dict, table: str = "table3", *, folder: Path | None = None) -> dict[str, pd.DataFrame]:
    """`cells`, `runs` and `tests` of a table; with a folder, the records of its runs lie there."""
    matrix = Matrix(config)
    shown, records = Presentation(matrix), made_up_runs(matrix, table)
    runs = long_form(records, matrix.cells(table), table=table, seeds=config["seeds"])
    tests = compare_with_best(runs, {"row": "sgid", "against": ["sgid_no_prompt", "sgid_caption"]})
    paper = read_paper_numbers([CONFIG / f"paper/{table}.csv"], datasets=shown.paper_names(table))
    for record in records if folder else []:
        names = (record[name] for name in ("dataset", "backbone", "method", "seed"))
        write_json(record, folder / Run(*names).path)
    return {"cells": table_cells(runs, tests, paper), "runs": runs, "tests": tests}


def write_gallery(folder: Path) -> dict:
    """Two originals and what one recipe drew from each at two rates, of which one was chosen."""
    ids = ("a", "b")
    write_table(with_pictures([{"image_id": name, "label": 0} for name in ids]), folder / "train.parquet")
    write_text("label,name,prompt_name\n0,cat,cat\n", folder / "classes.csv")
    write_json({"chosen": {"noise_rate": "0.7"}}, folder / "choice.json")
    sets = [
        write_set(folder / "sgid", [drawn_row(name, noise_rate=rate) for name in ids], noise=rate)
        for rate in ("0.3", "0.7")
    ]
    drawn = {"recipe": "sgid", "title": "SGID", "source": "originals", "sets": sets, "page": "", "rejects": []}
    files = {"originals": str(folder / "train.parquet"), "classes": str(folder / "classes.csv")}
    about = {"dataset": "pets", "title": "Pets", "miniature": False, "partial": False}
    return about | files | {"drawn": [drawn | {"choice": [str(folder / "choice.json")]}]}


def write_site(folder: Path, config: dict, *, choices=(CHOICE,), costs=tuple(COSTS)) -> Path:
    """The site of Table 3 and two figures, below a folder that is the current one; the path of its index."""
    config["build"] = ["table3", "consistency", "gallery"]
    config["figures"]["gallery"] = {
        "kind": "gallery", "title": "From the original to text", "datasets": ["pets"], "rows": ["sgid"], "count": 8
    }  # fmt: skip
    pages, frames, made = SitePages(Matrix(config)), frames_of(config, folder=folder), templates_of(TEMPLATES)
    layout = pages.layout()
    tables = tables_of([(frames["cells"], frames["runs"])], layout["tables"])
    captions = captions_of(map(str, REPORT.glob("*.rst")))
    index = render_index(made, layout, tables, choices=choices, costs=costs, captions=captions, commit="abc")
    write_text(index, folder / "results/site/index.html")
    write_text(
        render_table_page(made, frames, pages.table("table3"), commit="abc"), folder / "results/site/tables/table3.html"
    )
    gallery = write_gallery(folder / "drawn")
    shown = shown_pictures(gallery, originals=8, side=64, seed=0)
    for path in pages.galleries():
        write_text(render_pictures(made, gallery, shown, commit="abc"), folder / path)
    for path in pages.pictures():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (1200, 700), "white").save(folder / path)
    return folder / "results/site/index.html"
