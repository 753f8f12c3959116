"""A web server on loopback that hands out files as a data-set host would, and misbehaves on demand."""

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
    """What goes wrong. `drops`: bytes after which the next connections break. `answers`: statuses first given."""

    drops: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    ranges: bool = True
    page: bool = False
    honest_page: bool = True
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
            self.send_error(416)
            return
        self.answer(206 if asked else 200, data[start:])

    def answer(self, status: int, data: bytes, *, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        end = self.behaviour.drops.pop(0) if self.behaviour.drops else len(data)
        for at in range(0, min(end, len(data)), 16384):
            time.sleep(self.behaviour.delay)
            try:
                self.wfile.write(data[at : min(at + 16384, end)])
            except (BrokenPipeError, ConnectionResetError):
                return
        if end < len(data):
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
