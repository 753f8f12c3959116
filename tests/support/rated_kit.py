"""A tiny kit of rated pictures: originals of the drawn world, one perturbed and one generated picture of each."""

import pyarrow as pa
from drawn_sets import drawn_row, with_pictures

from sgid.cases import perturb_originals
from sgid.datasets.drawn import draw_split
from sgid.rating_items import Extent, Kit, blinded, choose_originals, items_of, method_pictures, pictures_by
from sgid.rating_pages import key_of

KIT = Kit(evaluation="table2", dataset="shapes", title="Shapes", seed=0, miniature=True)
EXTENT = Extent(labels=3, originals=2, same=2, foreign=2, side=32)
PROVENANCE = {"commit": "c0ffee0123456", "dirty": False}
CLASSES = dict(enumerate(("circle", "square", "triangle", "star", "heart", "cross", "ring", "moon")))


def originals() -> pa.Table:
    """24 drawn pictures, three of each of eight classes."""
    return draw_split("train", 24)


def items(kit: Kit = KIT, extent: Extent = EXTENT) -> pa.Table:
    """What is rated: RandAugment and `sgid` on six originals, and four checks."""
    chosen = choose_originals(originals(), None, extent, kit=kit)
    perturbed = perturb_originals(chosen, {"ra": {"randaugment": {}}}, size=32, base_seed=0)
    generated = with_pictures([drawn_row(source) for source in chosen["image_id"].to_pylist()], side=32).to_pylist()
    pictures = method_pictures(chosen, perturbed, {}, recipes={"ra": None})
    pictures["sgid"] = pictures_by(generated, "source_id")
    return blinded(items_of(chosen, pictures, extent, kit=kit), side=32, kit=kit)


def key(table: pa.Table, kit: Kit = KIT, *, annotators: int = 3) -> dict:
    """The key to these items."""
    return key_of(table, kit, annotators=annotators, classes=CLASSES, provenance=PROVENANCE)
