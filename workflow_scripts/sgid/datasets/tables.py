"""From a listing to image tables: every picture is decoded once, bytes wait on disk, rows are written in order of ids.

Archives keep their own order, and a data set may be larger than the memory, so bytes are spooled to one nameless file
and written in groups of rows. JPEG bytes stay what they are, and so do PNG bytes that are plain RGB; anything else
(GIF, palettes, transparency, 16 bits) becomes an RGB PNG.
"""

import hashlib
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from PIL import Image

from sgid.datasets.listing import Contents, Picture
from sgid.image_table import encode, image_rows, opened, rgb

ROWS = 1000  # in a row group
LEFT_OUT, STOP = "leave out", "stop"


@dataclass(frozen=True)
class Kept:
    """One accepted picture: where its bytes lie in the spool, and what an index says of it."""

    offset: int
    size: int
    suffix: str
    width: int
    height: int
    original_format: str
    sha256: str


@dataclass
class Spool:
    """The bytes of all accepted pictures in one file that vanishes with this object, and the reasons of the others."""

    stream: BinaryIO
    kept: dict[str, Kept] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, member: str, data: bytes | OSError) -> None:
        """Accept one picture, or note why not."""
        if isinstance(data, OSError):
            self.broken[member] = f"cannot be read ({data.strerror})"
            return
        try:
            image, bytes_kept, suffix = normalised(data, name=member)
        except ValueError as error:
            self.broken[member] = str(error).removeprefix(f"{member}: ")
            return
        self.kept[member] = Kept(
            offset=self.stream.tell(),
            size=len(bytes_kept),
            suffix=suffix,
            width=image.width,
            height=image.height,
            original_format=f"{image.format} {image.mode}",
            sha256=hashlib.sha256(bytes_kept).hexdigest(),
        )
        self.stream.write(bytes_kept)

    def read(self, member: str) -> bytes:
        """The bytes of an accepted picture."""
        kept = self.kept[member]
        self.stream.seek(kept.offset)
        return self.stream.read(kept.size)


def normalised(data: bytes, *, name: str) -> tuple[Image.Image, bytes, str]:
    """(image as it was found, bytes to keep, their suffix); raises ValueError for what cannot be decoded."""
    if not data:
        raise ValueError(f"{name}: has no content (0 bytes)")
    image = opened(data, name=name)
    picture = rgb(image, name=name)
    if image.format in ("JPEG", "MPO"):
        return image, data, "jpg"
    return image, data if image.format == "PNG" and picture is image else encode(picture), "png"


def spooled(contents: Contents, wanted: set[str], folder: Path) -> Spool:
    """Read a source to its end and keep the pictures that are wanted; the spool lies in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    spool = Spool(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - lives as long as the spool
    weakref.finalize(spool, spool.stream.close)
    for member, data in contents:
        if member in wanted and member not in spool.kept:
            spool.add(member, data)
    return spool


def without_broken(
    parts: Mapping[str, Sequence[Picture]], spool: Spool, *, broken: str, source: str
) -> dict[str, list[Picture]]:
    """The pictures of each split that can be used; raises ValueError for the others unless they are to be left out."""
    wanted = {each.member for part in parts.values() for each in part}
    missing = sorted(wanted - spool.kept.keys() - spool.broken.keys())
    if missing:
        raise ValueError(
            f"{source}: its lists name {len(wanted)} images, {len(missing)} of which cannot be found (such as "
            f"{missing[0]!r}); complete the archive or folder"
        )
    if spool.broken and broken == STOP:
        some = "; ".join(f"{member}: {why}" for member, why in list(spool.broken.items())[:3])
        raise ValueError(
            f"{source}: {len(spool.broken)} of {len(wanted)} images cannot be used ({some}; all of them stand in the "
            f"log); mend or remove them, or set `broken: {LEFT_OUT}` for this data set"
        )
    usable = {split: [each for each in part if each.member in spool.kept] for split, part in parts.items()}
    for split, part in parts.items():
        if part and not usable[split]:
            raise ValueError(f"{source}: none of the {len(part)} images of {split} can be used; mend them")
    return usable


def row_groups(
    pictures: Sequence[Picture], spool: Spool, columns: Mapping[str, Mapping[str, str]]
) -> Iterator[pa.Table]:
    """Image tables of at most ROWS rows, `pictures` in the order of their ids; of none, one without a row."""
    for start in range(0, max(1, len(pictures)), ROWS):
        part = pictures[start : start + ROWS]
        table = image_rows(
            [each.image_id for each in part],
            [spool.read(each.member) for each in part],
            [each.label for each in part],
            suffixes=[spool.kept[each.member].suffix for each in part],
        )
        for name, value_of in columns.items():
            table = table.append_column(name, pa.array([value_of[each.member] for each in part], pa.string()))
        yield table


def index_rows(parts: Mapping[str, Sequence[Picture]], spool: Spool, names: Sequence[str]) -> list[dict]:
    """One row an image and split: what was read, from where, and what came of it."""
    return [
        {
            "image_id": each.image_id,
            "split": split,
            "label": each.label,
            "class": names[each.label],
            "width": spool.kept[each.member].width,
            "height": spool.kept[each.member].height,
            "format": spool.kept[each.member].original_format,
            "sha256": spool.kept[each.member].sha256,
        }
        for split, part in parts.items()
        for each in part
    ]
