"""A training on the disk, as it stands: written whole or not at all, verified before it is believed.

A file is 64 hexadecimal digits, the sha256 of the rest, and then what torch.save writes. The state inside carries the
key of its run; a file that is damaged, or another run's, is set aside and the training begins anew.
"""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from sgid.runtime import replacing, write_whole

LOG = logging.getLogger("sgid.checkpoints")
DIGITS = 64
ASIDE = ".set-aside"


class Digesting:
    """A stream that hashes what passes through it, and remembers an error that torch.save would hide."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.digest, self.error = stream, hashlib.sha256(), None

    def write(self, data: bytes) -> int:
        try:
            write_whole(self.stream, data)
        except OSError as error:
            self.error = error
            raise
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        """For torch.save; the stream below has no buffer."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a run is kept while it trains, by whose key, and how many minutes lie between two states."""

    path: Path
    key: str
    minutes: float = 10.0

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was kept. Raises OSError for a full disk; the earlier state then stays."""
        with replacing(self.path) as temporary, open(temporary, "wb", buffering=0) as stream:
            write_whole(stream, b"0" * DIGITS)
            through = Digesting(stream)
            try:
                torch.save({"key": self.key, "state": state}, through)
            except RuntimeError:
                if through.error is not None:
                    raise through.error from None
                raise
            stream.seek(0)
            write_whole(stream, through.digest.hexdigest().encode())
            os.fsync(stream.fileno())

    def load(self) -> dict[str, Any] | None:
        """The state, on the CPU; None where nothing is kept. What is of no use is set aside, with a line in the log."""
        if not self.path.exists():
            return None
        with open(self.path, "rb") as stream:
            wanted, found = stream.read(DIGITS), hashlib.file_digest(stream, "sha256").hexdigest()
            if wanted != found.encode():
                return self._set_aside("is damaged")
            stream.seek(DIGITS)
            kept = torch.load(stream, map_location="cpu", weights_only=True)
        return kept["state"] if kept["key"] == self.key else self._set_aside("is of another run")

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}{ASIDE}")
        os.replace(self.path, aside)
        LOG.warning("%s %s; it is now %s, and the training begins anew", self.path, why, aside.name)

    def remove(self) -> None:
        """Forget the run, once its result is kept."""
        self.path.unlink(missing_ok=True)
