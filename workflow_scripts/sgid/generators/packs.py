"""Pictures kept as they are drawn, outside what Snakemake declares and deletes: a killed job loses its last batch only.

A pack is one file to which one job appends: a line of JSON (key, size, sha256, what else there is to say), then the
picture. The key says what the picture is of, so a picture is found whatever shard or job drew it. A pack that ends in
the middle of a record, as after a kill or on a full disk, is cut there when it is next written; a picture whose bytes
are damaged counts as not there.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from sgid.locks import lock_if_free
from sgid.runtime import FULL, write_whole

LOG = logging.getLogger("sgid.packs")
LONGEST_LINE = 1 << 16


@dataclass(frozen=True)
class Place:
    """Where a picture lies: pack, offset and size of its bytes, their hash, and what was noted beside it."""

    pack: Path
    offset: int
    size: int
    sha256: str
    notes: Mapping[str, Any]


@dataclass
class Packs:
    """All pictures of a folder's packs, and the one pack that this process writes."""

    folder: Path
    stream: BinaryIO
    places: dict[str, Place] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.places

    def read(self, key: str) -> tuple[bytes, Mapping[str, Any]]:
        """The bytes of a picture and its notes; raises KeyError where it is not there or damaged, and forgets it."""
        place = self.places[key]
        with open(place.pack, "rb") as stream:
            stream.seek(place.offset)
            data = stream.read(place.size)
        if hashlib.sha256(data).hexdigest() != place.sha256:
            LOG.warning("%s: the picture at byte %d is damaged and will be drawn again", place.pack, place.offset)
            del self.places[key]
            raise KeyError(key)
        return data, place.notes

    def add(self, pictures: Mapping[str, tuple[bytes, Mapping[str, Any]]]) -> None:
        """Append pictures by their keys; when this returns they are on the disk. Raises OSError for a full one."""
        start = self.stream.seek(0, os.SEEK_END)
        try:
            for key, (data, notes) in pictures.items():
                self.places[key] = self._append(key, data, notes)
            self.stream.flush()
            os.fsync(self.stream.fileno())
        except OSError as error:
            for key in pictures:
                self.places.pop(key, None)
            with contextlib.suppress(OSError):
                self.stream.truncate(start)
            if error.errno in FULL:
                advice = "make room and run this again; what was drawn before is kept"
                raise OSError(error.errno, f"no space left in {self.folder}; {advice}") from error
            raise

    def _append(self, key: str, data: bytes, notes: Mapping[str, Any]) -> Place:
        sha256 = hashlib.sha256(data).hexdigest()
        line = json.dumps({"key": key, "size": len(data), "sha256": sha256, "notes": notes}, sort_keys=True)
        write_whole(self.stream, line.encode() + b"\n")
        offset = self.stream.tell()
        write_whole(self.stream, data)
        return Place(Path(self.stream.name), offset, len(data), sha256, notes)


@contextlib.contextmanager
def open_packs(folder: Path, name: str) -> Iterator[Packs]:
    """The packs of a folder; `name` is the one to write, for one process at a time.

    Raises ValueError where another process writes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{name}.pack"
    with open(own, "a+b", buffering=0) as stream:
        if not lock_if_free(stream):
            raise ValueError(f"{own}: another process draws into it; wait for it, then run this again")
        packs = Packs(folder, stream)
        for path in sorted(folder.glob("*.pack")):
            end = index(path, packs.places)
            if path == own:
                stream.truncate(end)
        yield packs


def index(path: Path, places: dict[str, Place]) -> int:
    """Enter a pack's whole records into `places`; returns the byte at which they end."""
    size, end = path.stat().st_size, 0
    with open(path, "rb") as stream:
        while (record := next_record(stream, size)) is not None:
            places[record["key"]] = Place(path, stream.tell(), record["size"], record["sha256"], record["notes"])
            end = stream.seek(record["size"], os.SEEK_CUR)
    if end < size:
        LOG.warning("%s: ends in the middle of a record; %d bytes are passed over", path, size - end)
    return end


def next_record(stream: BinaryIO, size: int) -> dict[str, Any] | None:
    """The line of the next record, if its picture is whole too."""
    line = stream.readline(LONGEST_LINE)
    try:
        record = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(record, dict) and {"key", "size", "sha256", "notes"} <= record.keys()
    return record if whole and stream.tell() + record["size"] <= size else None


def prune(drawn: Path, tables: Path) -> str:
    """Remove the packs of shards that are tables by now, unless a process writes them, and say how much that was.

    `drawn`/{dataset}/{recipe}/noise-{rate}/{shard}.pack belongs to {shard}.parquet below the same folders of `tables`,
    or of its `noise-chosen`. Packs of unfinished shards stay, for they are all that is left of them.
    """
    removed, kept = [], []
    for pack in sorted(drawn.glob("*/*/*/*.pack")):
        recipe = tables / pack.relative_to(drawn).parent.parent
        finished = [recipe / rate / f"{pack.stem}.parquet" for rate in (pack.parent.name, "noise-chosen")]
        size = pack.stat().st_size
        done = any(table.exists() for table in finished) and remove_unused(pack)
        (removed if done else kept).append(size)
    return (
        f"{drawn}: {len(removed)} packs of finished shards removed ({sum(removed):,} bytes), {len(kept)} of unfinished "
        f"ones kept ({sum(kept):,} bytes)"
    )


def remove_unused(pack: Path) -> bool:
    """Remove a pack unless a process writes it."""
    with open(pack, "rb") as stream:
        if not lock_if_free(stream):
            return False
        pack.unlink()
    return True
