"""Grids of pictures: originals beside what was drawn from them (Figures 4 and 5, the demo's picture grid)."""

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure
from PIL import Image

from sgid.figure_style import PALE, STYLE, new_figure
from sgid.image_sets import read_image_set
from sgid.image_table import decode
from sgid.runtime import read_json
from sgid.seeding import seed_for

SIDE, GAP, NOTE_LINE, HEAD, LABEL = 1.3, 0.08, 0.17, 0.3, 1.1  # inches
NO_BREAK = "\N{NO-BREAK SPACE}"
TINY = 128  # pixels: below, single pixels are shown as squares; above, pictures are smoothed


@dataclass(frozen=True)
class PictureSet:
    """A generated set: what it is, and its rows (columns of the generated shards)."""

    dataset: str
    recipe: str
    noise_rate: str
    miniature: bool
    rows: pa.Table


@dataclass(frozen=True)
class GridRow:
    """One line of a grid: a label on the left, a picture (or None) a column, a note below."""

    label: str
    pictures: tuple[Image.Image | None, ...]
    note: str = ""


def read_sets(paths: Iterable[str | Path], *, choices: Iterable[str | Path] = ()) -> list[PictureSet]:
    """The sets in the order of `paths`; of a recipe for which `choices` has a selection file, only the chosen one."""
    chosen = {
        (choice["dataset"], choice["recipe"]): choice["chosen"]["noise_rate"] for choice in map(read_json, choices)
    }
    heads = [(path, read_json(path)) for path in paths]
    return [
        PictureSet(head["dataset"], head["recipe"], head["noise_rate"], head["miniature"], read_image_set(path))
        for path, head in heads
        if chosen.get((head["dataset"], head["recipe"]), head["noise_rate"]) == head["noise_rate"]
    ]


def class_names(path: str | Path) -> dict[int, str]:
    """Readable name of each label, from a data set's classes.csv."""
    return pd.read_csv(path).set_index("label")["prompt_name"].to_dict()


def choose_originals(originals: pa.Table, drawn: list[pa.Table], *, count: int, seed: int) -> list[dict]:
    """`count` originals that are a source in every table of `drawn`, of many classes, in an order fixed by `seed`."""
    shared = set(originals["image_id"].to_pylist())
    for table in drawn:
        shared &= set(table["source_id"].to_pylist())
    if not shared:
        raise ValueError("no original is drawn in all of the image sets; draw them from the same originals")
    ids = zip(originals["image_id"].to_pylist(), originals["label"].to_pylist(), strict=True)
    shuffled = sorted((seed_for(seed, image_id), image_id, label) for image_id, label in ids if image_id in shared)
    turns = _turns([label for _, _, label in shuffled])
    picked = [image_id for _, (_, image_id, _) in sorted(zip(turns, shuffled, strict=True))][:count]
    rows = originals.filter(pc.is_in(originals["image_id"], pa.array(picked)))
    return sorted(rows.to_pylist(), key=lambda row: picked.index(row["image_id"]))


def _turns(labels: list[int]) -> list[int]:
    """How often each label has already occurred: sorting by it takes one of every class before a second of any."""
    seen: dict[int, int] = {}
    turns = []
    for label in labels:
        turns.append(seen.get(label, 0))
        seen[label] = turns[-1] + 1
    return turns


def drawn_from(original: dict, pictures: PictureSet) -> dict:
    """The first generated row (replicate 0) of an original."""
    rows = pictures.rows.filter(pc.equal(pictures.rows["source_id"], original["image_id"])).to_pylist()
    return min(rows, key=lambda row: row["replicate"])


def picture_of(row: dict) -> Image.Image:
    """The decoded picture of one row of an image table."""
    return decode(row["image"]["bytes"], name=row["image_id"])


def gallery_rows(
    originals: pa.Table, sets: list[PictureSet], *, names: dict[int, str], columns: list[str], count: int, seed: int
) -> list[GridRow]:
    """Originals, each beside its picture of every set; the note has caption, similarity s* and guidance g."""
    if len(columns) != len(sets) + 1:
        raise ValueError(f"{len(columns)} column titles for 1 original and {len(sets)} image sets; give one for each")
    rows = []
    for original in choose_originals(originals, [each.rows for each in sets], count=count, seed=seed):
        drawn = [drawn_from(original, each) for each in sets]
        pictures = tuple(map(picture_of, [original, *drawn]))
        rows.append(GridRow(names[original["label"]], pictures, _note(drawn, columns[1:])))
    return rows


def _note(drawn: list[dict], columns: list[str]) -> str:
    """How the pictures were drawn, a line for each way: columns that share caption and guidance share it."""
    ways: dict[str, list[str]] = {}
    for row, column in zip(drawn, columns, strict=True):
        ways.setdefault(_way(row), []).append(column)
    if len(ways) == 1:
        return next(iter(ways))
    return "\n".join(f"{', '.join(names)}: {way}" for way, names in ways.items())


def _way(row: dict) -> str:
    """Caption, similarity (where there is one: a sentence from the label alone has none) and guidance, unbreakable."""
    similarity = "" if row["similarity"] is None or math.isnan(row["similarity"]) else f"s* = {row['similarity']:.2f}"
    numbers = [similarity, f"g = {row['guidance']:.2f}"]
    return " ".join([f"“{row['caption']}”", *(number.replace(" ", NO_BREAK) for number in numbers if number)])


def case_rows(
    originals: pa.Table,
    sets: list[PictureSet],
    perturbed: pa.Table,
    *,
    recipes: dict[str, str],
    names: dict[int, str],
    count: int,
    seed: int,
) -> list[GridRow]:
    """Figure 4 for one data set: originals, each beside its picture of every method of `recipes` (method -> recipe).

    `perturbed`: pictures of the methods that draw nothing, an image table with `source_id` and `method`.
    A method without a picture leaves a gap.
    """
    rows = []
    for original in choose_originals(originals, [perturbed, *(each.rows for each in sets)], count=count, seed=seed):
        pictures = perturbed_of(original, perturbed) | generated_of(original, sets, recipes=recipes)
        rows.append(GridRow(names[original["label"]], (picture_of(original), *map(pictures.get, recipes))))
    return rows


def all_case_rows(
    originals: dict[str, pa.Table],
    sets: list[PictureSet],
    perturbed: dict[str, pa.Table],
    *,
    recipes: dict[str, str],
    names: dict[str, dict[int, str]],
    count: int,
    seed: int,
) -> list[GridRow]:
    """Figure 4: `case_rows` of every data set, in the order of `originals`; mappings go from data set."""
    rows = []
    for dataset, table in originals.items():
        own = [each for each in sets if each.dataset == dataset]
        rows += case_rows(table, own, perturbed[dataset], recipes=recipes, names=names[dataset], count=count, seed=seed)
    return rows


def perturbed_of(original: dict, perturbed: pa.Table) -> dict[str, Image.Image]:
    """Method -> its ready picture of an original."""
    rows = perturbed.filter(pc.equal(perturbed["source_id"], original["image_id"])).to_pylist()
    return {row["method"]: picture_of(row) for row in rows}


def generated_of(original: dict, sets: list[PictureSet], *, recipes: dict[str, str]) -> dict[str, Image.Image]:
    """Method -> the picture that its recipe drew from an original; methods without a set are left out."""
    pictures = {each.recipe: picture_of(drawn_from(original, each)) for each in sets}
    return {method: pictures[recipe] for method, recipe in recipes.items() if recipe in pictures}


def strip_of(
    originals: list[pa.Table], sets: list[PictureSet], *, base: str, recipes: dict[str, str], seed: int
) -> dict[str, Image.Image]:
    """Figure 1's strip: one original under `base`, its generated pictures under their methods; {} without originals."""
    tables = [each.rows for each in sets]
    chosen = [original for table in originals for original in choose_originals(table, tables, count=1, seed=seed)]
    strips = [{base: picture_of(each)} | generated_of(each, sets, recipes=recipes) for each in chosen]
    return strips[0] if strips else {}


def guidance_rows(
    originals: pa.Table, sets: list[PictureSet], *, names: dict[int, str], seed: int
) -> tuple[list[GridRow], list[str]]:
    """Figure 5: one original at every noise rate (columns) and guidance scale (rows); also the column titles."""
    original = choose_originals(originals, [each.rows for each in sets], count=1, seed=seed)[0]
    drawn = [drawn_from(original, each) for each in sets]
    found = {(row["guidance"], row["noise_rate"]): picture_of(row) for row in drawn}
    rates = sorted({rate for _, rate in found}, key=float)
    rows = [
        GridRow(f"g = {guidance:g}", tuple(found.get((guidance, rate)) for rate in rates))
        for guidance in sorted({guidance for guidance, _ in found})
    ]
    first = GridRow(rows[0].label, (picture_of(original), *rows[0].pictures))
    others = [GridRow(row.label, (None, *row.pictures)) for row in rows[1:]]
    columns = [f"original: {names[original['label']]}", *(f"noise rate {rate}" for rate in rates)]
    return [first, *others], columns


@matplotlib.rc_context(STYLE)
def picture_grid(rows: list[GridRow], *, columns: list[str], title: str, miniature: bool) -> Figure:
    """Draw the grid; every column is `SIDE` inches wide, a row's height follows its note."""
    width = LABEL + (SIDE + GAP) * len(columns)
    notes = [_wrapped(row.note, width) for row in rows]
    heights = [SIDE + GAP + NOTE_LINE * len(lines) for lines in notes]
    figure = new_figure(width, HEAD * 2 + sum(heights), miniature=miniature)
    figure.set_layout_engine("none")
    top = HEAD * 2
    _text(figure, 0, HEAD * 0.4, title, size=11, ha="left")
    for column, name in enumerate(columns):
        name = "\n".join(textwrap.wrap(name, 18))
        _text(figure, LABEL + (SIDE + GAP) * column + SIDE / 2, HEAD * 1.5, name, weight="bold")
    for row, lines, height in zip(rows, notes, heights, strict=True):
        _grid_row(figure, row, top=top)
        for place, line in enumerate(lines):
            _text(figure, LABEL, top + SIDE + NOTE_LINE * (place + 0.55), line, size=7.5, ha="left", color=PALE)
        top += height
    return figure


def _wrapped(note: str, width: float) -> list[str]:
    """Lines that fit beside the label: about 17 characters an inch at the note's size."""
    return [part for line in note.splitlines() for part in textwrap.wrap(line, int((width - LABEL) * 17))]


def _grid_row(figure: Figure, row: GridRow, *, top: float) -> None:
    _text(figure, LABEL - 0.1, top + SIDE / 2, "\n".join(textwrap.wrap(row.label, 14)), ha="right")
    width, height = figure.get_size_inches()
    for column, picture in enumerate(row.pictures):
        if picture is not None:
            left = LABEL + (SIDE + GAP) * column
            axes = figure.add_axes((left / width, 1 - (top + SIDE) / height, SIDE / width, SIDE / height))
            axes.imshow(np.asarray(picture), interpolation="nearest" if min(picture.size) < TINY else "antialiased")
            axes.set_axis_off()


def _text(
    figure: Figure, x: float, y: float, text: str, *, size: float = 9, ha: str = "center", weight: str = "normal",
    color: str = "#222222",
) -> None:  # fmt: skip
    """Text at (x, y) inches from the upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(x / width, 1 - y / height, text, fontsize=size, ha=ha, va="center", weight=weight, color=color)
