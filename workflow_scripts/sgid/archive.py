"""Results as one file, to be moved to another checkout: a tar archive whose first member lists the others with hashes.

Uncompressed, for pictures and Parquet hardly shrink. Caches below `resources/` stay: they cost time, not results.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sgid.made_by import record_of
from sgid.runtime import file_hash, replacing

MANIFEST = "manifest.json"
FORMAT = 1


class HashedReader:
    """A file that is hashed as it is read."""

    def __init__(self, stream: BinaryIO):
        self.stream, self.hash = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self.stream.read(size)
        self.hash.update(data)
        return data


def pack(paths: Iterable[str], archive: Path, *, origin: Mapping[str, Any], root: Path = Path()) -> str:
    """Write results and their records to `archive`, whole or not at all; return a sentence about it.

    origin: of the checkout (`runtime.provenance`). Raises ValueError that names a file which changes meanwhile, OSError
    where the disk is full.
    """
    results = list(paths)
    records = [record for record in map(record_of, results) if (root / record).is_file()]
    files = {path: described(root / path) for path in [*records, *results]}
    manifest = {"format": FORMAT, "origin": origin, "files": files}
    with replacing(archive) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
        data = json.dumps(manifest, indent=1).encode()
        tar.addfile(member(MANIFEST, len(data)), io.BytesIO(data))
        for path, known in files.items():
            add(tar, root / path, path, known)
    return (
        f"{archive}, {archive.stat().st_size:,} bytes: {len(results):,} results and {len(records):,} records of how "
        "they were made; to import a copy in another checkout: "
        f"snakemake import_archive --cores 1 --config archive=/path/to/{archive.name}"
    )


def described(path: Path) -> dict[str, Any]:
    """What the manifest says of a file: hash, size, and when it was made, in nanoseconds."""
    status = path.stat()
    return {"sha256": file_hash(path), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def member(name: str, size: int) -> tarfile.TarInfo:
    """The header of one file: no owner, no time, so that equal results are equal bytes but for the manifest."""
    header = tarfile.TarInfo(name)
    header.size = size
    return header


def add(tar: tarfile.TarFile, file: Path, name: str, known: Mapping[str, Any]) -> None:
    """Append a file, and see that it still is what the manifest says."""
    with open(file, "rb") as stream:
        reader = HashedReader(stream)
        try:
            tar.addfile(member(name, known["bytes"]), reader)
        except OSError as error:
            if error.errno is not None:  # else tarfile's own word for a file that ends too early
                raise
        if stream.read(1) or reader.hash.hexdigest() != known["sha256"]:
            raise ValueError(
                f"{name}: changed while it was packed; wait until no job writes there, then run this again"
            )
