"""A page of pictures: some originals of a data set, each beside what every recipe drew from it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from sgid.classes import prompt_names
from sgid.image_samples import Family, facts_of, families, rows_of
from sgid.image_sets import chosen_noise_rate
from sgid.matrix import ORIGINALS
from sgid.rejects import reasons_by_source
from sgid.seeding import seed_for

Rows = dict[str, list[dict]]  # of an original by its id


@dataclass(frozen=True)
class Drawing:
    """What a recipe drew from one original; `chosen`: the noise rate that validation chose, "" for none.

    left_out: why a filter left out all of it, "" where it did not.
    """

    title: str
    recipe: str
    chosen: str
    family: Family
    left_out: str


@dataclass(frozen=True)
class Shown:
    """One original and all that was drawn from it."""

    original: Family
    drawings: list[Drawing]


def shown_pictures(gallery: Mapping[str, Any], *, originals: int, side: int, seed: int) -> list[Shown]:
    """At most so many originals with their pictures of at most `side` pixels. gallery: of `SitePages.gallery`."""
    ids = choose_shown(gallery["drawn"], originals, seed=seed)
    by_recipe = first_pictures(gallery["drawn"], ids)
    own = rows_of([gallery["originals"]], "image_id", ids)
    names = prompt_names(gallery["classes"])
    drawings: dict[str, list[Drawing]] = defaultdict(list)
    for each in gallery["drawn"]:
        chosen = "".join(map(chosen_noise_rate, each["choice"]))
        left_out = {name: why for path in each["rejects"] for name, why in reasons_by_source(path).items()}
        found = [name for name in ids if name in by_recipe[each["recipe"]] or name in left_out]
        rows = [row | {"source_id": name} for name in found for row in by_recipe[each["recipe"]].get(name, [])]
        for family in families(found, own, rows, names=names, side=side):
            why = "" if family.strips else " or ".join(filter(None, left_out[family.source_id])) or "no reason given"
            drawings[family.source_id].append(Drawing(each["title"], each["recipe"], chosen, family, why))
    return [Shown(family, drawings[family.source_id]) for family in families(ids, own, [], names=names, side=side)]


def choose_shown(drawn: Sequence[Mapping], count: int, *, seed: int) -> list[str]:
    """Ids of originals: of every class one before a second, of a class those first that the most recipes have drawn."""
    labels: dict[str, int] = {}
    times: dict[str, int] = defaultdict(int)
    for each in drawn:
        if each["source"] == ORIGINALS:
            facts = facts_of(each["sets"])
            found = dict(zip(facts["source_id"].to_pylist(), facts["label"].to_pylist(), strict=True))
            labels |= found
            for name in found:
                times[name] += 1
    seen: dict[int, int] = defaultdict(int)
    turns = []
    for name in sorted(labels, key=lambda name: (-times[name], seed_for(seed, name, "site"))):
        turns.append((seen[labels[name]], seed_for(seed, name, "site"), name))
        seen[labels[name]] += 1
    chosen = {name for *_, name in sorted(turns)[:count]}
    return sorted(chosen, key=lambda name: (labels[name], name))


def first_pictures(drawn: Sequence[Mapping], ids: Sequence[str]) -> dict[str, Rows]:
    """Recipe to the rows drawn from each original, at each rate the first that no filter left out.

    From a redrawn picture: the rows of its original.
    """
    found: dict[str, Rows] = {}
    # A recipe that redraws another one's pictures comes behind it.
    for each in sorted(drawn, key=lambda each: each["source"] != ORIGINALS):
        redrawn = found.get(each["source"], {}).items()
        origin = {row["image_id"]: name for name, rows in redrawn for row in rows}
        origin = {name: name for name in ids} if each["source"] == ORIGINALS else origin
        first = {}
        for row in sorted(rows_of(each["sets"], "source_id", [*origin]), key=lambda row: row["replicate"]):
            first.setdefault((row["source_id"], row["noise_rate"]), row)
        rows: Rows = defaultdict(list)
        for row in first.values():
            rows[origin[row["source_id"]]].append(row)
        found[each["recipe"]] = rows
    return found


def render_pictures(
    environment: jinja2.Environment, gallery: Mapping[str, Any], shown: Sequence[Shown], *, commit: str
) -> str:
    """The page as HTML."""
    return environment.get_template("site_pictures.html.j2").render(**gallery, shown=shown, commit=commit)
