"""Pictures that stand in two splits: equal bytes or pixels, or nearly the same by perceptual hash.

Near: the 64-bit perceptual hashes (ImageHash's phash) differ in at most `distance` bits and the 16 × 16 thumbnails by
at most TOLERANCE levels on average; the second condition keeps pictures apart that merely are alike in layout.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import imagehash
import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image

from sgid.image_table import decode, encoded_of

THUMBNAIL = 16
TOLERANCE = 12.0  # mean absolute difference of thumbnails, on the scale 0 to 255
BLOCK = 2048
COLUMNS = ["kind", "split", "image_id", "label", "other_split", "other_image_id", "other_label", "bits", "difference"]


@dataclass(frozen=True)
class Signatures:
    """What is compared of N pictures: hashes of the pixels, perceptual hashes (uint64), thumbnails (uint8 N × 768)."""

    ids: list[str]
    labels: list[int]
    exact: np.ndarray
    perceptual: np.ndarray
    thumbnails: np.ndarray


def signatures(table: pa.Table) -> Signatures:
    """The signatures of every row; each picture is decoded once."""
    exact, perceptual, thumbnails = [], [], []
    for image_id, data in encoded_of(table):
        picture = decode(data, name=image_id)
        exact.append(hashlib.blake2b(f"{picture.size}".encode() + picture.tobytes(), digest_size=8).digest())
        perceptual.append(np.packbits(imagehash.phash(picture).hash).tobytes())
        small = picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
        thumbnails.append(np.asarray(small, np.uint8).ravel())
    return Signatures(
        ids=table["image_id"].to_pylist(),
        labels=table["label"].to_pylist(),
        exact=np.frombuffer(b"".join(exact), np.uint64),
        perceptual=np.frombuffer(b"".join(perceptual), np.uint64),
        thumbnails=np.array(thumbnails, np.uint8).reshape(-1, 3 * THUMBNAIL**2),
    )


def pairs(one: Signatures, other: Signatures, *, distance: int) -> Iterator[tuple[int, int, int, float]]:
    """(row, other row, differing bits, mean difference of thumbnails) of every pair that is near."""
    for start in range(0, len(one.ids), BLOCK):
        bits = np.bitwise_count(one.perceptual[start : start + BLOCK, None] ^ other.perceptual[None, :])
        rows, columns = np.nonzero(bits <= distance)
        for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
            levels = one.thumbnails[row].astype(int) - other.thumbnails[column]
            difference = float(np.abs(levels).mean())
            if difference <= TOLERANCE:
                yield row, column, int(bits[row - start, column]), difference


def find_duplicates(splits: Mapping[str, Signatures], *, distance: int) -> pd.DataFrame:
    """One row a pair across two splits, exact ones first; a held-out image is no duplicate of itself in train."""
    rows = []
    for (name, one), (other_name, other) in combinations(splits.items(), 2):
        for a, b, bits, difference in pairs(one, other, distance=distance):
            if one.ids[a] == other.ids[b]:
                continue
            kind = "exact" if one.exact[a] == other.exact[b] else "near"
            mine, theirs = (name, one.ids[a], one.labels[a]), (other_name, other.ids[b], other.labels[b])
            rows.append((kind, *mine, *theirs, bits, round(difference, 2)))
    return pd.DataFrame(sorted(rows), columns=COLUMNS)


def report(dataset: str, found: pd.DataFrame, sizes: Mapping[str, int], *, distance: int) -> str:
    """Markdown: how many pictures of a split have a double in another, and what was compared."""
    lines = [
        f"# {dataset}: the same picture in two splits",
        "",
        f"Near: at most {distance} of 64 bits of the perceptual hash, thumbnails within {TOLERANCE:g} of 255 levels. "
        "Held-out validation images are train images by design and are not counted.",
        "",
        "| of | images | in | exact | near | with another label |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for other_split, split in (("test", "train"), ("test", "validation"), ("validation", "train")):
        rows = found[(found["split"] == split) & (found["other_split"] == other_split)]
        exact, near = (rows[rows["kind"] == kind]["other_image_id"] for kind in ("exact", "near"))
        mixed = rows[rows["label"] != rows["other_label"]]["other_image_id"].nunique()
        only_near = len(set(near) - set(exact))
        lines.append(
            f"| {other_split} | {sizes[other_split]:,} | {split} | {exact.nunique()} | {only_near} | {mixed} |"
        )
    lines += ["", "Every pair: duplicates.csv. Pictures that stand twice in one split are not looked for."]
    return "\n".join(lines) + "\n"
