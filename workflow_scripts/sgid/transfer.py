"""One transfer from one address into an open partial file, continued where that file ends.

`requests` does it: Snakemake itself needs that library, so it is wherever the workflow runs. pooch has no resumption,
and fsspec's HTTP would bring a second client. What is of no use (another file, a web page) is a RefusedError; what may
go better in a while (a dropped connection, a busy server) an InterruptedTransferError.
"""

import contextlib
import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from urllib3.exceptions import HTTPError

from sgid.runtime import FULL, write_whole

LOG = logging.getLogger("sgid.transfer")
CHUNK = 1 << 20
TIMEOUT = (20, 60)  # seconds to connect, and of silence
REPORT_SECONDS = 5.0
BUSY = (408, 425, 429, 500, 502, 503, 504)
PAGE_STARTS = (b"<!doctype html", b"<html")
PAGE = "an HTML page came in place of the file (a login, quota or error page)"
# Where it starts, the whole file's size if the source tells, the bytes from there on.
Opened = tuple[int, int | None, Iterable[bytes]]


class RefusedError(ValueError):
    """What a mirror or a folder has is not the file; another try at the same place would not help."""


class InterruptedTransferError(OSError):
    """The transfer broke off or the server is busy; the same place may do better in a while."""


@dataclass
class Meter:
    """Lines in the log: how much, how fast, how long still."""

    name: str
    total: int | None
    start: int
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def at(self, done: int) -> None:
        """Say where the transfer stands, at most every few seconds."""
        now = time.monotonic()
        if now - self.said < REPORT_SECONDS:
            return
        self.said = now
        rate = (done - self.start) / max(now - self.began, 1e-3)
        share = f"{done / self.total:.0%} of {self.total / 1e6:,.1f} MB" if self.total else f"{done / 1e6:,.1f} MB"
        left = f", {(self.total - done) / rate:,.0f} s left" if self.total and rate else ""
        LOG.info("%s: %s, %.1f MB/s%s", self.name, share, rate / 1e6, left)


def transfer(
    url: str, part: BinaryIO, *, name: str, size: int | None, headers: Mapping[str, str] | None = None
) -> None:
    """Append to `part` what it lacks of the file at `url`, whose size in bytes is `size` where that is known.

    `headers`: further ones for a web server, such as a token; they do not follow a redirection to another host.

    Raises RefusedError where the address has another file, InterruptedTransferError where the bytes end too early,
    OSError (ENOSPC) where the disk is too small for them.
    """
    if size is not None and part.seek(0, os.SEEK_END) > size:
        part.truncate(0)
    have = part.seek(0, os.SEEK_END)
    if have and have == size:
        return
    with opener_of(url)(url, have, headers or {}) as (start, total, chunks):
        if size is not None and total is not None and total != size:
            raise RefusedError(f"{name} has {total:,} bytes there where {size:,} are expected: it is another file")
        whole = total or size
        require_space(Path(part.name), (whole or have) - have)
        part.truncate(start)
        part.seek(start)
        append(part, chunks, Meter(name, whole, start))
    if whole is not None and part.tell() < whole:
        raise InterruptedTransferError(f"the connection broke at {part.tell():,} of {whole:,} bytes")


def append(part: BinaryIO, chunks: Iterable[bytes], meter: Meter) -> None:
    """Write chunks behind each other; refuse a web page in place of the file as soon as it shows."""
    try:
        for chunk in chunks:
            if part.tell() == 0 and is_page(chunk):
                raise RefusedError(PAGE)
            write_whole(part, chunk)
            meter.at(part.tell())
        os.fsync(part.fileno())
    except OSError as error:
        if error.errno in FULL:
            raise no_space(Path(part.name)) from error
        raise


def is_page(start: bytes) -> bool:
    """Whether a file begins as a web page does."""
    return start.lstrip()[:14].lower().startswith(PAGE_STARTS)


def require_space(path: Path, missing: int) -> None:
    """Refuse before the first byte where the disk cannot hold `missing` more."""
    if shutil.disk_usage(path.parent).free < missing:
        raise no_space(path, missing)


def no_space(path: Path, missing: int | None = None) -> OSError:
    """The error of a full disk, with what to do."""
    free = shutil.disk_usage(path.parent).free
    need = f"{missing:,} bytes are needed and {free:,} free" if missing else f"{free:,} bytes are free"
    advice = "make room and run this again, which goes on from there"
    return OSError(errno.ENOSPC, f"no space left in {path.parent} for {path.name}: {need}; {advice}")


def opener_of(url: str) -> Callable[[str, int, Mapping[str, str]], AbstractContextManager[Opened]]:
    """The opener for an address's scheme; raises RefusedError for one that is not spoken here."""
    scheme = urlsplit(url).scheme
    if scheme not in OPENERS:
        raise RefusedError(f"{scheme or 'no'!r} is no scheme that can be fetched (have: {', '.join(OPENERS)})")
    return OPENERS[scheme]


@contextlib.contextmanager
def open_http(url: str, have: int, headers: Mapping[str, str]) -> Iterator[Opened]:
    """Ask for the bytes from `have` on; a server that cannot continue sends the whole."""
    asked = {"Accept-Encoding": "identity", **headers} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                yield have, told_size(answer) or have, ()  # the part has all there is; its size and hash will tell
                return
            refuse_answer(answer)
            start = have if answer.status_code == requests.codes.partial_content else 0
            length = answer.headers.get("Content-Length")
            # Not iter_content: it loses what came just before a break, and unpacks what a server calls gzipped.
            chunks = iter(lambda: answer.raw.read1(CHUNK, decode_content=False), b"")
            yield start, start + int(length) if length else None, chunks
    except requests.exceptions.ConnectionError as error:
        host = urlsplit(url).hostname
        if "NameResolutionError" in repr(error):
            raise RefusedError(f"the host {host} is not known here; is there internet?") from error
        raise InterruptedTransferError(f"no connection to {host} ({type(error).__name__})") from error
    except requests.exceptions.RequestException as error:
        raise InterruptedTransferError(f"{type(error).__name__} ({last_words(error)})") from error
    except HTTPError as error:
        raise InterruptedTransferError(f"the connection broke or fell silent ({type(error).__name__})") from error


def refuse_answer(answer: requests.Response) -> None:
    """Tell a busy server from one that does not have the file."""
    if answer.status_code in BUSY:
        raise InterruptedTransferError(f"the server answers {answer.status_code} {answer.reason}")
    if answer.status_code >= 400:
        raise RefusedError(f"the server answers {answer.status_code} {answer.reason}")
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise RefusedError(PAGE)


def told_size(answer: requests.Response) -> int | None:
    """The size of the file of which a server cannot send the range asked for, if it tells."""
    size = answer.headers.get("Content-Range", "").rpartition("*/")[2]
    return int(size) if size.isdigit() else None


def last_words(error: Exception) -> str:
    """The innermost sentence of an error that wraps others."""
    return str(error).rsplit(": ", 1)[-1].strip("'\")(")


@contextlib.contextmanager
def open_file(url: str, have: int, headers: Mapping[str, str]) -> Iterator[Opened]:
    """The bytes of a `file://` address from `have` on."""
    path = Path(url2pathname(urlsplit(url).path))
    with readable(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = have if have <= size else 0
        stream.seek(start)
        yield start, size, iter(lambda: stream.read(CHUNK), b"")


def readable(path: Path) -> BinaryIO:
    """The opened file; a missing or forbidden one is this mirror's refusal, for the next may have it."""
    try:
        if path.is_file():
            return open(path, "rb")
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror})") from error
    raise RefusedError(f"there is no file {path}")


OPENERS = {"https": open_http, "http": open_http, "file": open_file}
