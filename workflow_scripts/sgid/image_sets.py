"""An image set: all generated shards of one (data set, recipe, noise rate), described by one JSON file.

Training depends on this file alone. It carries a hash of each shard's pictures, not of its file, so a shard that was
lost and drawn again with the same pictures leaves the set, and all that was trained on it, as it was. The set of a
filtered recipe names the shards of the set that it filters, and the pictures that `shards_of`, the one way to the
pictures of any set, leaves out.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sgid.image_table import in_order, read_metadata, read_table, row_groups, rows_at
from sgid.runtime import read_json
from sgid.seeding import seed_for

LOG = logging.getLogger("sgid.image_sets")
HASHED = ["image_id", "image"]
AT_ONCE = 64  # pictures that are hashed


def content_hash(tables: Iterable[pa.Table]) -> str:
    """sha256 over (image_id, encoded image) of every row of a shard, in order; each is preceded by its length."""
    digest = hashlib.sha256()
    for table in tables:
        for some in table.select(HASHED).to_batches(AT_ONCE):  # a copy of all would double the memory
            for row in some.to_pylist():
                for part in (row["image_id"].encode(), row["image"]["bytes"]):
                    digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def collect(shards: Sequence[str | Path], *, dataset: str, recipe: str, miniature: bool) -> dict:
    """The set of these shards. Refuses an image that stands in two of them, and shards of unequal noise rates."""
    entries, flags, ids, noise_rates = [], Counter(), Counter(), set()
    for path in shards:
        table = read_table(path, ["image_id", "flag", "noise_rate"])
        sha256 = content_hash(read(HASHED) for read in row_groups(path))
        entries.append({"path": str(path), "rows": len(table), "sha256": sha256})
        flags.update(flag for flag in table["flag"].to_pylist() if flag)
        ids.update(table["image_id"].to_pylist())
        noise_rates.update(table["noise_rate"].to_pylist())
    check_set(ids, noise_rates, name=f"{dataset}/{recipe}")
    return {
        "dataset": dataset,
        "recipe": recipe,
        "noise_rate": noise_rates.pop(),
        "images": ids.total(),
        "miniature": miniature,
        "shards": entries,
        "flags": dict(flags),
    }


def is_miniature(image_set: Mapping) -> bool:
    """Whether a set is of the drawn world, or the miniature's models drew it from other originals."""
    model = read_metadata(image_set["shards"][0]["path"]).get("model", {})
    return image_set["miniature"] or bool(model.get("miniature"))


def stamp_of(image_set: Mapping) -> str:
    """What is said first of a miniature set's pictures; of any other set, nothing."""
    world = "drawn data set, " if image_set["miniature"] else ""
    return f"Miniature: {world}tiny models; no reproduction of the paper." if is_miniature(image_set) else ""


def check_set(ids: Counter, noise_rates: set[str], *, name: str) -> None:
    """Refuse what is no set: no image at all, an image in two shards, or more than one noise rate."""
    if not ids:
        raise ValueError(f"{name}: the image set is empty; give draw_images at least one original")
    if ids.most_common(1)[0][1] > 1:
        raise ValueError(
            f"{name}: image {ids.most_common(1)[0][0]!r} stands in two shards; delete both, draw them again"
        )
    if len(noise_rates) > 1:
        raise ValueError(
            f"{name}: shards of noise rates {sorted(noise_rates)} in one set; delete them, draw them again"
        )


def read_image_set(path: str | Path) -> pa.Table:
    """All generated images of a set, in `image_id` order; every shard must be there with as many rows as it names."""
    return in_order(pa.concat_tables(shards_of(path)))


def read_images(paths: Sequence[str | Path]) -> pa.Table:
    """All rows of image tables (.parquet) and image sets (.json), in `image_id` order."""
    tables = [read_image_set(path) if str(path).endswith(".json") else read_table(path) for path in paths]
    return in_order(pa.concat_tables(tables))


def shards_of(path: str | Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The shards of the set at `path`, one by one, without what its filter left out.

    All columns, the pictures compared with the set's hashes; or some, whose pictures are then not looked at.
    """
    head = read_json(path)
    for shard in head["shards"]:
        if columns is None:
            yield without(read_shard(shard, path), head.get("left_out", []), column="image_id")
        else:
            table = read_columns(shard, path, list({*columns, "image_id"}))
            yield without(table, head.get("left_out", []), column="image_id").select(columns)


def rows_with(path: str | Path, column: str, ids: Collection[str]) -> Iterator[pa.Table]:
    """The rows of the set at `path` whose `column` is one of `ids`, without what its filter left out.

    Read as by `rows_in`; the pictures are not compared with the set's hashes.
    """
    head = read_json(path)
    for shard in head["shards"]:
        read_columns(shard, path, ["image_id"])
        for table in rows_in(shard["path"], column, ids):
            yield without(table, head.get("left_out", []), column="image_id")


def rows_in(path: str | Path, column: str, ids: Collection[str]) -> Iterator[pa.Table]:
    """The rows of an image table whose `column` is one of `ids`; of pictures only their row groups are read."""
    wanted = pa.array(ids, pa.string())
    for read in row_groups(path):
        found = pc.is_in(read([column])[column], value_set=wanted)
        if pc.any(found).as_py():
            yield read().filter(found)


def without(table: pa.Table, ids: Collection[str], *, column: str) -> pa.Table:
    """The rows whose `column` is none of the ids."""
    if not ids:
        return table  # filtering would copy every picture
    return table.filter(pc.invert(pc.is_in(table[column], value_set=pa.array(sorted(ids), pa.string()))))


def leave_out(path: str | Path, ids: Collection[str], *, recipe: str) -> dict:
    """The set at `path` without these pictures, for a filtered recipe; ids of other sets are passed over.

    Raises ValueError where nothing would be left.
    """
    head = read_json(path)
    facts = pa.concat_tables(shards_of(path, ["image_id", "label", "flag"]))
    kept = without(facts, ids, column="image_id")
    if not len(kept):
        raise ValueError(
            f"recipes.{recipe}.filter: leaves out all {len(facts)} pictures of {path}; loosen its rules, or correct "
            "its reject list"
        )
    if bare := sorted(set(facts["label"].to_pylist()) - set(kept["label"].to_pylist())):
        LOG.warning("%s: no picture is left of %d classes (labels %s)", recipe, len(bare), ", ".join(map(str, bare)))
    left_out = sorted(set(facts["image_id"].to_pylist()) & set(ids))
    flags = Counter(flag for flag in kept["flag"].to_pylist() if flag)
    names = {"recipe": recipe, "filters": head["recipe"], "images": len(kept), "flags": dict(flags)}
    return head | names | {"left_out": left_out}


def read_shard(shard: dict, path: str | Path) -> pa.Table:
    """One shard of the set at `path`; refuses a missing one, and one whose pictures are not those the set lists."""
    table = read_columns(shard, path)
    if content_hash([table]) != shard["sha256"]:
        raise ValueError(
            f"{shard['path']}: its pictures are not those that {path} lists; delete {path} and run its target again"
        )
    return table


def read_columns(shard: dict, path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Some columns of one shard of the set at `path`, whose pictures are then not looked at."""
    again = f"run `snakemake {shard['path']} {path} --cores 1`"
    if not Path(shard["path"]).exists():
        raise ValueError(f"{path}: its shard {shard['path']} is missing; {again}")
    table = read_table(shard["path"], columns)
    if len(table) != shard["rows"]:
        raise ValueError(f"{shard['path']}: {len(table)} rows, but {path} was made of {shard['rows']}; {again}")
    return table


def load_chosen(images: Sequence[str], choice: Sequence[str]) -> tuple[dict | None, pa.Table | None]:
    """The image set to train on: none, the only one, or of several the one that `choice` selected.

    `images`: paths of set files; `choice`: [] or the path of a selection file, of a noise rate or of a recipe and rate.
    """
    if not images:
        return None, None
    path = set_among(images, choice)
    return read_json(path), read_image_set(path)


def set_among(images: Sequence[str], choice: Sequence[str]) -> str:
    """The path of the only set, or of that of several which the selection file chose."""
    return images[0] if len(images) == 1 else chosen_set(images, choice)


def chosen_set(images: Sequence[str], choice: Sequence[str]) -> str:
    """The path among `images` of the set that has all that the selection file chose."""
    if not choice:
        raise ValueError(
            f"{len(images)} image sets and no selection among them: {', '.join(images)}; run choose_noise first"
        )
    chosen = read_json(choice[0])["chosen"]
    for path in images:
        if chosen.items() <= read_json(path).items():
            return path
    raise ValueError(
        f"{choice[0]} chose {chosen}, which none of these sets has: {', '.join(images)}; delete it and run this again"
    )


def chosen_noise_rate(choice: str | Path) -> str:
    """The noise rate that a selection file chose, as the string that paths carry."""
    return read_json(choice)["chosen"]["noise_rate"]


def noise_rate_of(noise: str, choice: Sequence[str]) -> str:
    """The noise rate behind a path's `noise-{noise}`: itself, or what validation chose where it says `chosen`."""
    return chosen_noise_rate(choice[0]) if noise == "chosen" else noise


def some_of_each_class(table: pa.Table, per_class: int | None, *, seed: int) -> pa.Table:
    """`per_class` images of each class, the same ones for every recipe; None keeps all. In `image_id` order."""
    table = in_order(table)
    if per_class is None:
        return table
    pairs = zip(table["image_id"].to_pylist(), table["label"].to_pylist(), strict=True)
    shuffled = sorted(enumerate(pairs), key=lambda entry: seed_for(seed, entry[1][0], "per class"))
    taken: Counter = Counter()
    rows = []
    for row, (_, label) in shuffled:
        if taken[label] < per_class:
            rows.append(row)
            taken[label] += 1
    return rows_at(table, sorted(rows))
