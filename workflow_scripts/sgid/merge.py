"""An archive's results laid beside those of this checkout: checked against hashes, and never over what is here."""

import contextlib
import errno
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sgid.archive import FORMAT, MANIFEST, HashedReader
from sgid.builds import FOLDER, Files, enter
from sgid.made_by import BENCHMARKS, RECORDS, RESULTS, described_by, record_of
from sgid.runtime import FULL, file_hash, replacing
from sgid.transfer import no_space, require_space

STAGING = ".import-"
STEP = 10_000  # nanoseconds between files of different age
BLOCK = 1 << 20


class ArchiveError(ValueError):
    """What is wrong with an archive, or stands against it here."""


@dataclass(frozen=True)
class Merge:
    """One archive and the checkout that it comes to."""

    archive: Path
    root: Path = Path()

    def run(self) -> str:
        """Bring what is missing here, whole or not at all but for a kill at the end; return a sentence about it.

        Raises ArchiveError that names the file, before anything is changed, where the archive is damaged or a result is
        here with other bytes; BuildError where a build makes or reads what is missing here, or another import is at
        work; OSError where the disk is full.
        """
        with self.opened() as tar:
            files = self.manifest(tar)
            with self.alone(files):
                new = self.missing(files)
                with self.staging() as folder:
                    require_space(folder / self.archive.name, sum(files[path]["bytes"] for path in new))
                    self.stage(tar, {path: files[path] for path in new}, folder)
                    self.place(new, files, folder)
        brought, known = (sum(not path.startswith(RECORDS) for path in paths) for paths in (new, files))
        return f"{self.archive}: {brought:,} results brought, {known - brought:,} were here"

    @contextlib.contextmanager
    def opened(self) -> Iterator[tarfile.TarFile]:
        """The archive, read once from its beginning to its end."""
        try:
            with tarfile.open(self.archive, "r|*") as tar:
                yield tar
        except FileNotFoundError as error:
            if Path(error.filename or "") != self.archive:
                raise
            raise ArchiveError(f"{self.archive}: there is no such archive; correct `archive`") from None
        except (tarfile.TarError, EOFError) as error:
            raise self.damaged(f"cannot be read to its end ({error})") from error

    def damaged(self, how: str) -> ArchiveError:
        """The error of a file that did not arrive as it was sent, or never was one of ours."""
        return ArchiveError(f"{self.archive}: {how}; copy it anew, or make it by `snakemake archive_build`")

    def manifest(self, tar: tarfile.TarFile) -> Mapping[str, Mapping[str, Any]]:
        """Path to hash, size and age, of every file in the archive."""
        first = tar.next()
        if first is None or first.name != MANIFEST or not first.isreg():
            raise self.damaged("its first file is no manifest")
        try:
            manifest = json.load(tar.extractfile(first))
            version, files = manifest["format"], manifest["files"]
        except (ValueError, LookupError, TypeError) as error:
            raise self.damaged("its manifest cannot be read") from error
        if version != FORMAT:
            raise ArchiveError(f"{self.archive}: is of format {version}; use the version that made it")
        if strange := [path for path in files if not is_ours(path)]:
            raise self.damaged(f"{strange[0]!r} is no place for a result")
        return files

    @contextlib.contextmanager
    def alone(self, files: Iterable[str]) -> Iterator[None]:
        """Meanwhile no build makes what is not here yet, and no other import empties the folder of this one."""
        lacking = {path for path in files if not (self.root / path).exists()}
        descriptor = enter(Files(frozenset(), frozenset({f"{RESULTS}/{STAGING}", *lacking})), self.root / FOLDER)
        try:
            yield
        finally:
            os.close(descriptor)

    def missing(self, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The results that are not here, and their records."""
        for path, known in files.items():
            file = self.root / path
            # Seconds and memory of a job differ each time and decide nothing: what is here stays.
            if not path.startswith((RECORDS, BENCHMARKS)) and file.exists() and not is_equal(file, known):
                raise ArchiveError(
                    f"{path}: is here with other bytes than in {self.archive}, and is not overwritten; delete the one "
                    "that you do not want, or make an archive without it"
                )
        new = [path for path in files if not path.startswith(RECORDS) and not (self.root / path).exists()]
        return [*(record for record in map(record_of, new) if record in files), *new]

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder on the disk of the results; what a killed import left there goes first."""
        results = self.root / RESULTS
        results.mkdir(parents=True, exist_ok=True)
        for left in results.glob(f"{STAGING}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=results) as folder:
            yield Path(folder)

    def stage(self, tar: tarfile.TarFile, wanted: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """Write the wanted files of the archive into a folder, each checked against its size and its hash.

        Nothing is extracted by tarfile: links, devices and names that the manifest lacks never reach the disk.
        """
        left = dict(wanted)
        for header in tar:
            if not (known := left.pop(header.name, None)):
                continue
            # A hash is known only when all is read: what is longer than it may be could have filled the disk by then.
            as_long = header.isreg() and header.size == known["bytes"]
            if not as_long or self.written(tar.extractfile(header), folder / header.name) != known["sha256"]:
                raise self.damaged(f"{header.name} is not what the manifest says")
        if left:
            raise self.damaged(f"{next(iter(left))} is missing in it")

    @staticmethod
    def written(source: Any, file: Path) -> str:
        """Copy a member to a file; its sha256."""
        file.parent.mkdir(parents=True, exist_ok=True)
        reader = HashedReader(source)
        try:
            with open(file, "wb") as stream:
                shutil.copyfileobj(reader, stream, BLOCK)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise no_space(file) from error
        return reader.hash.hexdigest()

    def place(self, paths: list[str], files: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """Move staged files to their places: records, then results from old to new, all newer than what is here.

        So no result is older than what it was made from, whichever checkout that came from, and Snakemake redoes none.
        """
        paths = sorted(paths, key=lambda path: (not path.startswith(RECORDS), files[path]["mtime_ns"]))
        now = max(time.time_ns(), folder.stat().st_mtime_ns)
        ages = {age: rank for rank, age in enumerate(sorted({files[path]["mtime_ns"] for path in paths}))}
        for path in paths:
            moment = now + STEP * ages[files[path]["mtime_ns"]]
            os.utime(folder / path, ns=(moment, moment))
            move(folder / path, self.root / path)


def import_archive(path: str | None) -> str:
    """Merge the archive that the configuration names into this checkout; a sentence about it."""
    if path is None:
        raise ArchiveError("archive: no archive is named; add --config archive=FILE behind the target")
    return Merge(Path(path)).run()


def is_ours(path: str) -> bool:
    """Whether a path lies among results or is the record of one."""
    try:
        result = described_by(PurePosixPath(path).relative_to(RECORDS)) if path.startswith(RECORDS) else path
    except ValueError:
        return False
    parts = PurePosixPath(result).parts
    named = path in (result, record_of(result)) and "/".join(parts) == result
    return named and parts[0] == RESULTS and ".." not in parts


def move(file: Path, place: Path) -> None:
    """Rename, or copy where the place is on another disk (`results` may be a link); whole in either case."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(file, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(place) as temporary:
            shutil.copy2(file, temporary)


def is_equal(file: Path, known: Mapping[str, Any]) -> bool:
    """Whether a file has the bytes that a manifest tells of."""
    return file.stat().st_size == known["bytes"] and file_hash(file) == known["sha256"]
