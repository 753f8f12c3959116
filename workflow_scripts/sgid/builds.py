"""Which Snakemakes are at work in a folder: each keeps what it reads and makes locked for as long as it lives.

Snakemake's own locks hold two builds of the same files apart too, but are all removed when any Snakemake of the folder
ends (9.27, FilePersistence._delete_locks), also one that had nothing to do. These end with their process, however it
ends, and nothing else removes them. Standard library only.
"""

import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sgid.locks import lock_if_free, wait_for_lock

FOLDER = Path(".snakemake/builds")
SHOWN = 2  # files that a refusal names


class BuildError(Exception):
    """Another build is at work on the same files."""


@dataclass(frozen=True)
class Files:
    """What the jobs of a build read and make."""

    reads: frozenset[str]
    makes: frozenset[str]

    @classmethod
    def of(cls, jobs: Iterable) -> "Files":
        """Of Snakemake's jobs."""
        listed = list(jobs)
        reads, makes = ({str(path) for job in listed for path in getattr(job, each)} for each in ("input", "output"))
        return cls(frozenset(reads), frozenset(makes))

    def shared_with(self, other: "Files") -> list[str]:
        """The files that one of the two makes and the other makes or reads."""
        return sorted(self.makes & (other.makes | other.reads) | self.reads & other.makes)


def enter(files: Files, folder: Path = FOLDER) -> int | None:
    """Begin a build that ends with this process, or when the descriptor that is returned is closed.

    Raises BuildError where one at work shares files with it. One that makes nothing (plan, status) disturbs nobody.
    """
    if not files.makes:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "door", "w", encoding="utf-8") as door:
        wait_for_lock(door)  # one at a time looks around and enters
        for path in folder.glob("*.json"):
            refuse_beside(path, files)
        return _hold(files, folder / f"{socket.gethostname()}-{os.getpid()}.json")


def refuse_beside(path: Path, files: Files) -> None:
    """Raise BuildError where the build of a record lives and shares files; remove the record of one that has ended."""
    other = living(path)
    if other is None:
        path.unlink()
        return
    shared = files.shared_with(other)
    if shared:
        host, _, process = path.stem.rpartition("-")
        named = f"{', '.join(shared[:SHOWN])}{', …' if len(shared) > SHOWN else ''}"
        raise BuildError(
            f"{named}: another Snakemake (process {process} on {host}) reads or makes them; wait for its end"
        )


def at_work(folder: Path = FOLDER) -> dict[str, Files]:
    """The builds that live, `host-process` to files. Removes nothing, so that any one may ask."""
    if not (folder / "door").exists():
        return {}
    with open(folder / "door", "r+", encoding="utf-8") as door:
        wait_for_lock(door)  # none is just entering, whose lock a look could take away
        found = {path.stem: living(path) for path in sorted(folder.glob("*.json"))}
    return {name: files for name, files in found.items() if files}


def living(path: Path) -> Files | None:
    """What the build of a record reads and makes; None where it has ended."""
    with open(path, "r+", encoding="utf-8") as record:
        if lock_if_free(record):
            return None
        known = json.load(record)
    return Files(frozenset(known["reads"]), frozenset(known["makes"]))


def _hold(files: Files, path: Path) -> int:
    """Write the record and leave it open and locked: a plain descriptor is closed by the end of the process alone."""
    path.write_text(json.dumps({"reads": sorted(files.reads), "makes": sorted(files.makes)}), encoding="utf-8")
    descriptor = os.open(path, os.O_RDWR)
    lock_if_free(descriptor)
    return descriptor
