"""Bring a file from the first place that has it, verified before it gets its name.

A partial file is called `.<file>.part` and is continued by the next try, the next mirror or the next run; only a file
of the stated size and hash is renamed. `tenacity` decides when to try again.
"""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tenacity import RetryCallState, Retrying, before_sleep_log, retry_if_exception_type, wait_exponential_jitter

from sgid.locks import lock_if_free
from sgid.runtime import file_hash, replacing
from sgid.transfer import InterruptedTransferError, RefusedError, is_page, transfer

LOG = logging.getLogger("sgid.download")
FRUITLESS_TRIES = 5  # tries in a row that bring no byte, before the next mirror
LONGEST_WAIT = 60  # times `patience`
COPY_ADVICE = "it is a copy of another file: correct the path that leads to it, or the size and hashes beside it"


class WrongFileError(RefusedError):
    """The bytes are there and are not those of the file."""


@dataclass(frozen=True)
class RemoteFile:
    """One file by its official name: where it may be had, and how it is known (size in bytes, md5, sha256).

    `path`: a copy of the user's own, which is read where it lies. `headers`: what a web server is told besides, such as
    a token.
    """

    file: str
    urls: Sequence[str] = ()
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def known_by(self) -> str:
        """Size and hash, for sentences."""
        size = f"{self.bytes:,} bytes, " if self.bytes else ""
        return size + (f"sha256 {self.sha256}" if self.sha256 else f"md5 {self.md5}")


def obtain(
    wanted: RemoteFile, folder: Path, *, roots: Iterable[Path] = (), advice: str = "", patience: float = 1.0
) -> Path:
    """The path of the verified file: `folder`/<file>, a copy where it lies, or else downloaded to `folder`.

    `roots`: folders that may have a copy. `advice`: what else the user can do where no place has the file. `patience`:
    seconds before the second try at a mirror; each further one waits about twice as long.
    Raises RefusedError where no place has the file that the configuration describes, OSError for a full disk.
    """
    local = local_copy(wanted, [folder, *roots])
    if local is not None:
        own = local == folder / wanted.file and not local.is_symlink()
        verify(local, wanted, advice="delete it and run this again" if own else COPY_ADVICE)
        LOG.info("%s: verified where it lies", local)
        return local
    folder.mkdir(parents=True, exist_ok=True)
    refusals = []
    for url in wanted.urls:
        try:
            return download(url, wanted, folder / wanted.file, patience=patience)
        except (RefusedError, InterruptedTransferError) as error:
            refusals.append(f"{url}: {error}")
            LOG.warning("%s", refusals[-1])
    raise nowhere(wanted, refusals, advice)


def local_copy(wanted: RemoteFile, folders: Iterable[Path]) -> Path | None:
    """The configured path, which must exist, or the first of `folders` that has the file; None without either."""
    if wanted.path:
        path = Path(wanted.path).expanduser()
        if not path.is_file():
            raise RefusedError(f"{path}: there is no such file; put {wanted.file} there or correct its `path`")
        return path
    return next((folder / wanted.file for folder in folders if (folder / wanted.file).is_file()), None)


def nowhere(wanted: RemoteFile, refusals: Sequence[str], advice: str) -> RefusedError:
    """The error for a file that no place has."""
    tried = f"no mirror gave it ({'; '.join(refusals)})" if refusals else "no mirror of it is known"
    return RefusedError(f"{wanted.file} ({wanted.known_by}): {tried}{'; ' if advice else ''}{advice}")


def download(url: str, wanted: RemoteFile, final: Path, *, patience: float) -> Path:
    """Bring one mirror's file to its final name; a continued part that turns out wrong is fetched anew, once."""
    part = part_of(final)
    with open_alone(part) as stream:
        continued = stream.seek(0, os.SEEK_END) > 0
        try:
            complete(url, wanted, stream, patience=patience)
        except WrongFileError:
            if not continued:
                raise
            LOG.warning("%s: the part that was continued is no use; fetched anew", wanted.file)
            stream.truncate(0)
            complete(url, wanted, stream, patience=patience)
        os.replace(part, final)
    LOG.info("%s: %d bytes from %s, verified", wanted.file, final.stat().st_size, url)
    return final


def stand_for(path: Path, name: Path) -> None:
    """Let `name` be a link to a file or folder that lies elsewhere, whatever it was before."""
    # By what they are: one folder may have two spellings, and a link would then replace the file by itself.
    if name.exists() and name.samefile(path):
        return
    name.parent.mkdir(parents=True, exist_ok=True)
    with replacing(name) as temporary:
        temporary.symlink_to(path.absolute())


def part_of(final: Path) -> Path:
    """Where a file lies until it is whole."""
    return final.with_name(f".{final.name}.part")


@contextlib.contextmanager
def open_alone(part: Path) -> Iterator[BinaryIO]:
    """The partial file, for one process at a time; the kernel lets go of it when that process dies.

    A part that turned out wrong, or is empty, does not outlive the block. Raises RefusedError where another process
    has it.
    """
    # Unbuffered: what a full disk did not take would be tried again as the file closes, and hide the error's sentence.
    with open(part, "a+b", buffering=0) as stream:
        if not held(stream, part):
            raise RefusedError(f"another process is fetching {part}; wait for it, then run this again")
        try:
            yield stream
        except WrongFileError:
            stream.truncate(0)
            raise
        finally:
            if os.fstat(stream.fileno()).st_size == 0:
                part.unlink(missing_ok=True)


def held(stream: BinaryIO, part: Path) -> bool:
    """Lock a part; False where another process has it, or gave it its final name since it was opened here."""
    try:
        return lock_if_free(stream) and os.path.samestat(os.fstat(stream.fileno()), part.stat())
    except FileNotFoundError:
        return False


def complete(url: str, wanted: RemoteFile, part: BinaryIO, *, patience: float) -> None:
    """Transfer until the part is whole and verified, as long as tries bring bytes or few have failed in a row."""
    seen, fruitless = part.seek(0, os.SEEK_END), 0

    def give_up(_: RetryCallState) -> bool:
        nonlocal seen, fruitless
        size = part.seek(0, os.SEEK_END)
        fruitless, seen = (0 if size > seen else fruitless + 1), size
        return fruitless >= FRUITLESS_TRIES

    trying = Retrying(
        retry=retry_if_exception_type(InterruptedTransferError),
        stop=give_up,
        wait=wait_exponential_jitter(multiplier=patience, max=LONGEST_WAIT * patience, jitter=patience),
        before_sleep=before_sleep_log(LOG, logging.WARNING),
        reraise=True,
    )
    trying(transfer, url, part, name=wanted.file, size=wanted.bytes, headers=wanted.headers)
    verify(Path(part.name), wanted, called=wanted.file, advice="it is not the file that the configuration describes")


def verify(path: Path, wanted: RemoteFile, *, advice: str, called: str | None = None) -> None:
    """Hold a file to the size and hashes of the configuration; raises WrongFileError with both and the advice."""
    called, size = called or str(path), path.stat().st_size
    with open(path, "rb") as stream:
        if is_page(stream.read(64)):
            raise WrongFileError(f"{called} is an HTML page, not the file of that name; {advice}")
    if wanted.bytes is not None and size != wanted.bytes:
        raise WrongFileError(f"{called} has {size:,} bytes where {wanted.bytes:,} are expected; {advice}")
    for algorithm in ("sha256", "md5"):
        expected = getattr(wanted, algorithm)
        found = file_hash(path, algorithm) if expected else None
        if found != expected:
            raise WrongFileError(f"{called}: its {algorithm} is {found} where {expected} is expected; {advice}")
