"""The pages that annotators open, with nothing of what an item is, and the key to them.

Every annotator sees the same items, in an order of his or her own.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa

from sgid.html_pages import page_environment
from sgid.image_table import TINY
from sgid.prompts import readable
from sgid.rating_items import ORIGINAL, Kit
from sgid.rating_sheets import HEAD
from sgid.seeding import seed_for


def page_order(items: pa.Table, *, annotator: int, kit: Kit) -> list[dict]:
    """The items that an annotator rates, in the order in which he or she sees them; no originals by themselves."""
    rows = [row for row in items.to_pylist() if row["kind"] != ORIGINAL]
    return sorted(rows, key=lambda row: seed_for(*kit.names, "annotator", annotator, row["image_id"]))


def page_hash(rows: Sequence[Mapping]) -> str:
    """A name for these very pictures in this order: ratings of other pictures are told apart by it."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row["image_id"].encode() + hashlib.sha256(row["image"]["bytes"]).digest())
    return digest.hexdigest()[:16]


def key_of(items: pa.Table, kit: Kit, *, annotators: int, classes: Mapping[int, str], provenance: Mapping) -> dict:
    """What every item is, and which page is whose. `classes`: label to name."""
    orders = [page_order(items, annotator=number, kit=kit) for number in range(1, annotators + 1)]
    return {
        "evaluation": kit.evaluation,
        "dataset": kit.dataset,
        "seed": kit.seed,
        "miniature": kit.miniature,
        "provenance": provenance,
        "pages": {page_hash(rows): number for number, rows in enumerate(orders, start=1)},
        "items": {row["image_id"]: _meaning(row, classes) for row in orders[0]},
    }


def _meaning(row: Mapping, classes: Mapping[int, str]) -> dict:
    known = {name: row[name] for name in ("source_id", "label", "kind", "method")}
    return known | {"class_name": readable(classes[row["label"]])}


def page_of(key: Mapping, annotator: int) -> str:
    """The hash of an annotator's page."""
    return next(page for page, number in key["pages"].items() if number == annotator)


def render_page(template: str, items: pa.Table, kit: Kit, *, annotator: int, side: int) -> str:
    """The page of one annotator and data set as HTML. `side`: of the pictures, in pixels."""
    rows = page_order(items, annotator=annotator, kit=kit)
    originals = [row for row in items.to_pylist() if row["kind"] == ORIGINAL]
    name_of = {row["source_id"]: row["image_id"] for row in originals}
    return (
        page_environment()
        .from_string(template)
        .render(
            kit=kit,
            page=page_hash(rows),
            head=HEAD,
            tiny=side <= TINY,
            originals=[{"name": row["image_id"], "address": _address(row)} for row in originals],
            items=[
                {"name": row["image_id"], "original": name_of[row["source_id"]], "address": _address(row)}
                for row in rows
            ],
        )
    )


def _address(row: Mapping) -> str:
    return f"data:image/webp;base64,{base64.b64encode(row['image']['bytes']).decode('ascii')}"
