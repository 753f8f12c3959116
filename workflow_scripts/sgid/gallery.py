"""Which pictures a grid shows: originals beside what was drawn from them (Figures 1, 4 and 5, the demo's grid)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from sgid.image_sets import read_image_set
from sgid.image_table import decode
from sgid.picture_grid import GridRow
from sgid.runtime import read_json
from sgid.seeding import seed_for

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class PictureSet:
    """A generated set: what it is, and its rows (columns of the generated shards)."""

    dataset: str
    recipe: str
    noise_rate: str
    miniature: bool
    rows: pa.Table


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
    return " · ".join([f"“{row['caption']}”", *(number.replace(" ", NO_BREAK) for number in numbers if number)])


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
