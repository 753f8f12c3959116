"""What people are shown: a seeded sample of originals, one picture of each method, and checks of attention (Table 2).

Blinded: whatever made a picture, it is the centre square at one size, in one encoding, in equally many bytes, under a
name that is a hash. Which name is what stands in the key alone.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from sgid.image_samples import rows_of
from sgid.image_sets import chosen_set, shards_of
from sgid.image_table import TINY, decode, fitted, image_rows
from sgid.runtime import read_json
from sgid.seeding import seed_for

RATED, ORIGINAL = "rated", "original"
SAME, FOREIGN = "same", "foreign"  # checks: the original itself, and an original of another class
QUALITY = 85


@dataclass(frozen=True)
class Extent:
    """How much of a data set is rated (config: `human`).

    So many `labels`, of each so many `originals`, fewer where there are fewer; `same` and `foreign` checks; pictures of
    `side` pixels.
    """

    labels: int
    originals: int
    same: int
    foreign: int
    side: int


@dataclass(frozen=True)
class Kit:
    """Whose pictures are rated: what a page says of itself, and what all of its chance is made from."""

    evaluation: str
    dataset: str
    title: str
    seed: int
    miniature: bool

    @property
    def names(self) -> tuple[object, ...]:
        """The beginning of every seed."""
        return ("human", self.seed, self.evaluation, self.dataset)


@dataclass(frozen=True)
class Item:
    """One picture to be shown, and what it is. `label`: of its original; `method`: "" unless it is rated."""

    source_id: str
    label: int
    kind: str
    method: str
    picture: Image.Image


def chosen_sets(paths: Iterable[str], choices: Iterable[str]) -> dict[str, str]:
    """Recipe to the path of its set; of several, the one whose noise rate validation chose."""
    own: dict[str, list[str]] = {}
    for path in paths:
        own.setdefault(read_json(path)["recipe"], []).append(path)
    chosen = {read_json(path)["recipe"]: [path] for path in choices}
    return {
        recipe: sets[0] if len(sets) == 1 else chosen_set(sets, chosen.get(recipe, [])) for recipe, sets in own.items()
    }


def shared_sources(paths: Iterable[str]) -> set[str] | None:
    """Ids of the originals that were drawn in every set; None, for any, where there is no set."""
    drawn = [
        {source for shard in shards_of(path, ["source_id"]) for source in shard["source_id"].to_pylist()}
        for path in paths
    ]
    return set.intersection(*drawn) if drawn else None


def choose_originals(originals: pa.Table, shared: set[str] | None, extent: Extent, *, kit: Kit) -> pa.Table:
    """The rows to rate: labels by chance, then originals of each; only of `shared`, where that is not None."""
    own: dict[int, list[str]] = {}
    for source, label in sorted(labels_of(originals).items()):
        if shared is None or source in shared:
            own.setdefault(label, []).append(source)
    if not own:
        raise ValueError("no original is drawn in all of the image sets; draw them from the same originals")
    picked = sorted(own, key=lambda label: seed_for(*kit.names, "label", label))[: extent.labels]
    ids = [source for label in picked for source in _shuffled(own[label], *kit.names, "original")[: extent.originals]]
    return originals.filter(pc.is_in(originals["image_id"], pa.array(ids, pa.string())))


def labels_of(table: pa.Table) -> dict[str, int]:
    """Image id to label of the rows of an image table."""
    return dict(zip(table["image_id"].to_pylist(), table["label"].to_pylist(), strict=True))


def _shuffled(ids: Iterable[str], *names: object) -> list[str]:
    return sorted(ids, key=lambda image_id: seed_for(*names, image_id))


def drawn_pictures(path: str | Path, ids: Sequence[str]) -> dict[str, Image.Image]:
    """Source id to the first picture (replicate 0) that a set has of it."""
    rows = sorted(rows_of([path], "source_id", ids), key=lambda row: -row["replicate"])
    return pictures_by(rows, "source_id")


def pictures_by(rows: Iterable[Mapping], column: str) -> dict[str, Image.Image]:
    """The decoded pictures of some rows by one of their columns; of several, the last row's."""
    return {row[column]: decode(row["image"]["bytes"], name=row["image_id"]) for row in rows}


def method_pictures(
    chosen: pa.Table, perturbed: pa.Table, sets: Mapping[str, str], *, recipes: Mapping[str, str | None]
) -> dict[str, dict[str, Image.Image]]:
    """Method to source id to its picture: of the set of its recipe (recipe to path), or of the table `perturbed`."""
    rows, ids = perturbed.to_pylist(), chosen["image_id"].to_pylist()
    return {
        method: drawn_pictures(sets[recipe], ids)
        if recipe
        else pictures_by([row for row in rows if row["method"] == method], "source_id")
        for method, recipe in recipes.items()
    }


def items_of(
    chosen: pa.Table, pictures: Mapping[str, Mapping[str, Image.Image]], extent: Extent, *, kit: Kit
) -> list[Item]:
    """The originals, what each method (of `pictures`: method to source id to picture) made of them, and the checks."""
    labels, originals = labels_of(chosen), pictures_by(chosen.to_pylist(), "image_id")
    shown = [Item(source, labels[source], ORIGINAL, "", picture) for source, picture in originals.items()]
    rated = [
        Item(source, labels[source], RATED, method, picture)
        for method, made in pictures.items()
        for source, picture in made.items()
    ]
    same = _shuffled(originals, *kit.names, SAME)[: extent.same]
    foreign = _shuffled(originals, *kit.names, FOREIGN)[: extent.foreign]
    checks = [(SAME, source, source) for source in same]
    checks += [(FOREIGN, source, _of_another_class(source, labels, kit)) for source in foreign]
    return [*shown, *rated, *(Item(source, labels[source], kind, "", originals[of]) for kind, source, of in checks)]


def _of_another_class(source: str, labels: Mapping[str, int], kit: Kit) -> str:
    others = [each for each in labels if labels[each] != labels[source]]
    if not others:
        raise ValueError("pictures of another class need two classes; set checks.foreign to 0, or rate more labels")
    return _shuffled(others, *kit.names, FOREIGN, source)[0]


def blinded(items: Sequence[Item], *, side: int, kit: Kit) -> pa.Table:
    """An image table with `source_id`, `kind` and `method`: equal squares in equally many bytes, named by hashes."""
    encoded = same_length([encoded_square(item.picture, side) for item in items])
    ids = [f"{seed_for(*kit.names, item.source_id, item.kind, item.method):016x}" for item in items]
    table = image_rows(ids, encoded, [item.label for item in items], suffix="webp")
    for name in ("source_id", "kind", "method"):
        table = table.append_column(name, pa.array([getattr(item, name) for item in items], pa.string()))
    return table.sort_by("image_id")


def encoded_square(picture: Image.Image, side: int) -> bytes:
    """The centre square at `side` pixels as WebP, without metadata; lossless where it is tiny."""
    buffer = io.BytesIO()
    # Pillow writes metadata into WebP only where it is asked to.
    fitted(picture, side).save(buffer, "WEBP", lossless=side <= TINY, quality=QUALITY)
    return buffer.getvalue()


def same_length(encoded: Sequence[bytes]) -> list[bytes]:
    """Filled up with zeros behind the picture, which decoders leave alone: a size must not tell who made it."""
    longest = max(map(len, encoded))
    return [data.ljust(longest, b"\0") for data in encoded]
