"""A model hub on loopback: what huggingface_hub's client asks, answered as the real one does, misbehaving on demand.

Large files lie behind a redirection to another origin, as on the real hub, where a token must not arrive.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archive_server import Behaviour, Handler

LARGE = (".safetensors", ".bin", ".h5", ".ckpt", ".onnx", ".msgpack", ".pt")  # what the hub keeps by Git LFS
TOKEN = "hf_right"


def commit_of(files: Mapping[str, bytes]) -> str:
    return hashlib.sha1(b"".join(name.encode() + data for name, data in sorted(files.items()))).hexdigest()


@dataclass
class Repository:
    """Files by revision. `gated`: only the holder of TOKEN gets files. `wrong`: files that come with other bytes."""

    revisions: dict[str, dict[str, bytes]]
    licence: str | None = "mit"
    gated: bool = False
    wrong: set[str] = field(default_factory=set)

    def find(self, revision: str) -> dict[str, bytes] | None:
        by_commit = {commit_of(files): files for files in self.revisions.values()}
        return self.revisions.get(revision) or by_commit.get(revision)

    def given(self, name: str, data: bytes) -> bytes:
        return bytes(len(data)) if name in self.wrong else data


@dataclass
class FakeHub:
    """Repositories by id, how large files come (`how`), statuses that the API gives first, and what was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    how: Behaviour = field(default_factory=Behaviour)
    answers: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens_at_cdn: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, name: str, files: Mapping[str, bytes], **known) -> str:
        """Put a repository there with these files on main; its commit."""
        self.repositories[name] = Repository({"main": dict(files)}, **known)
        return commit_of(files)

    @property
    def fetched(self) -> list[str]:
        """The files of which bytes were asked for, in order, each once."""
        found = [each.split(" ")[1] for each in self.asked if each.startswith("GET ") and "/resolve/" in each]
        return list(dict.fromkeys(unquote(each).split("/resolve/")[1].split("/", 1)[1] for each in found))


class HubHandler(Handler):
    def __init__(self, *args, hub: FakeHub, **kwargs):
        self.hub, self.more = hub, {}
        super().__init__(*args, root=Path(), behaviour=hub.how, **kwargs)

    def do_HEAD(self):  # noqa: N802 - as http.server calls it
        self.do_GET()

    def do_GET(self):  # noqa: N802
        self.more, self.behaviour = {}, Behaviour()
        path = urlsplit(self.path).path
        self.hub.asked.append(f"{self.command} {self.path}")
        if path.startswith("/cdn/"):
            self.give_large(path.removeprefix("/cdn/"))
        elif self.hub.answers:
            self.refuse(self.hub.answers.pop(0))
        elif path.startswith("/api/models/"):
            self.tell(*path.removeprefix("/api/models/").split("/revision/"))
        elif "/resolve/" in path:
            name, rest = path.strip("/").split("/resolve/")
            self.resolve(name, *rest.split("/", 1))
        else:
            self.refuse(404)

    def repository(self, name: str) -> Repository | None:
        """The repository, or the answer that the hub gives to who has no account."""
        if name not in self.hub.repositories:
            self.refuse(401, "RepoNotFound", "Invalid username or password.")
        return self.hub.repositories.get(name)

    def tell(self, name: str, revision: str = "main") -> None:
        found = self.repository(name)
        files = found and found.find(unquote(revision))
        if found and files is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {unquote(revision)}")
        elif found:
            siblings = [described(file, data) for file, data in sorted(files.items())]
            card = {"license": found.licence} if found.licence else {}
            told = {"id": name, "sha": commit_of(files), "private": False, "cardData": card, "siblings": siblings}
            self.answer(200, json.dumps(told).encode(), kind="application/json")

    def resolve(self, name: str, revision: str, file: str) -> None:
        found = self.repository(name)
        files = found and found.find(unquote(revision))
        if not found:
            return
        if files is None or file not in files:
            self.refuse(404, "EntryNotFound" if files else "RevisionNotFound", "Entry not found")
        elif found.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            known = "Authorization" in self.headers
            self.refuse(403 if known else 401, "GatedRepo", f"Access to model {name} is restricted.")
        else:
            self.give(name, files, file, found.given(file, files[file]))

    def give(self, name: str, files: Mapping[str, bytes], file: str, data: bytes) -> None:
        known = described(file, files[file])
        self.more = {"X-Repo-Commit": commit_of(files), "ETag": f'"{known["blobId"]}"'}
        if "lfs" in known:
            self.more |= {"X-Linked-Etag": f'"{known["lfs"]["sha256"]}"', "X-Linked-Size": str(known["size"])}
            # Another name is another origin to the client.
            port = self.server.server_address[1]
            self.more["Location"] = f"http://localhost:{port}/cdn/{name}/{commit_of(files)}/{file}?signature=1"
            self.answer(302, b"")
        else:
            self.send_file(data)

    def give_large(self, path: str) -> None:
        self.behaviour = self.hub.how
        owner, name, commit, file = path.split("/", 3)
        if "Authorization" in self.headers:
            self.hub.tokens_at_cdn.append(self.headers["Authorization"])
        found = self.hub.repositories[f"{owner}/{name}"]
        self.hub.how.requests[file].append(self.headers.get("Range", ""))
        if self.hub.how.answers:
            self.refuse(self.hub.how.answers.pop(0))
        else:
            self.send_file(found.given(file, found.find(commit)[file]))

    def refuse(self, status: int, code: str = "", message: str = "") -> None:
        self.more = {"X-Error-Code": code, "X-Error-Message": message}
        self.answer(status, json.dumps({"error": message}).encode(), kind="application/json")

    def answer(self, status: int, data: bytes, **kwargs) -> None:
        if self.command == "HEAD":
            self.more["Content-Length"] = str(len(data))
            data = b""
        super().answer(status, data, **kwargs)

    def send_header(self, keyword: str, value: str) -> None:
        if not (self.command == "HEAD" and keyword == "Content-Length" and value == "0"):
            super().send_header(keyword, value)

    def end_headers(self) -> None:
        more, self.more = self.more, {}
        for name, value in more.items():
            if value:
                super().send_header(name, value)
        super().end_headers()


def described(file: str, data: bytes) -> dict:
    """A file as `model_info(…, files_metadata=True)` has it."""
    known = {"rfilename": file, "size": len(data), "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
    if not file.endswith(LARGE):
        return known
    return known | {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}}


@contextmanager
def hub_serving(hub: FakeHub | None = None) -> Iterator[FakeHub]:
    """A hub at `hub.address` while the block lasts."""
    hub = hub or FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(HubHandler, hub=hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def files_under(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its name with forward slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
