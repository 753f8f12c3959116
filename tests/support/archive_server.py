"""A web server on loopback that hands out files as a data-set host would, and misbehaves on demand."""

import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = b"<!DOCTYPE html><html><body>Quota exceeded, please log in</body></html>"


@dataclass
class Behaviour:
    """What goes wrong. `drops`, `silences`: bytes after which the next connections break, or say no more for a second.

    `answers`: statuses first given. `length`: whether the answer's length is told.
    """

    drops: list[int] = field(default_factory=list)
    silences: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    ranges: bool = True
    page: bool = False
    honest_page: bool = True
    length: bool = True
    encoding: str = ""
    delay: float = 0.0  # seconds for each 16 KiB
    requests: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *args, root: Path, behaviour: Behaviour, **kwargs):
        self.root, self.behaviour = root, behaviour
        super().__init__(*args, **kwargs)

    def log_message(self, *_):
        pass

    def do_GET(self):
        name, how = self.path.lstrip("/").split("?")[0], self.behaviour
        how.requests[name].append(self.headers.get("Range", ""))
        if how.answers:
            self.send_error(how.answers.pop(0))
        elif how.page:
            self.answer(200, PAGE, kind="text/html" if how.honest_page else "application/gzip")
        elif not (self.root / name).is_file():
            self.send_error(404)
        else:
            self.send_file((self.root / name).read_bytes())

    def send_file(self, data: bytes) -> None:
        asked = self.headers.get("Range") if self.behaviour.ranges else None
        start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
        if start >= len(data):
            self.answer(416, b"", place=f"bytes */{len(data)}")
        elif asked:
            self.answer(206, data[start:], place=f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.answer(200, data)

    def answer(self, status: int, data: bytes, *, kind: str = "application/octet-stream", place: str = "") -> None:
        length = str(len(data)) if self.behaviour.length else ""
        headers = {"Content-Length": length, "Content-Encoding": self.behaviour.encoding, "Content-Range": place}
        self.send_response(status)
        for name, value in ({"Content-Type": kind} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        ends, silent = self.behaviour.drops or self.behaviour.silences, bool(self.behaviour.silences)
        end = ends.pop(0) if ends else len(data)
        for at in range(0, min(end, len(data)), 16384):
            time.sleep(self.behaviour.delay)
            try:
                self.wfile.write(data[at : min(at + 16384, end)])
            except (BrokenPipeError, ConnectionResetError):
                return
        if end < len(data):
            time.sleep(silent)
            self.close_connection = True


@contextmanager
def serving(root: Path, behaviour: Behaviour | None = None) -> Iterator[str]:
    """The address of a server of `root`, while the block lasts."""
    handler = partial(Handler, root=root, behaviour=behaviour or Behaviour())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mirror:
    """The address of one file on a server, and how that server behaves."""

    url: str
    how: Behaviour = field(default_factory=Behaviour)

    @property
    def asked(self) -> list[str]:
        """The range that each request for the file named, empty where it asked for the whole."""
        return self.how.requests[self.url.rpartition("/")[2]]


@contextmanager
def mirror_of(name: str, data: bytes | None, **behaviour) -> Iterator[Mirror]:
    """A server of one file, or of none."""
    with tempfile.TemporaryDirectory() as root:
        if data is not None:
            Path(root, name).write_bytes(data)
        how = Behaviour(**behaviour)
        with serving(Path(root), how) as address:
            yield Mirror(f"{address}/{name}", how)
