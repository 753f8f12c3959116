"""A stop that loses nothing: SLURM's warning or a plain kill is noted, and heeded when the work at hand is safe."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Stop:
    """Whether a signal to stop has come, and which."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def note(self, number: int, _: FrameType | None = None) -> None:
        """A signal handler."""
        self.signal = number

    def heed(self, done: int, total: int, *, of: str = "pictures") -> None:
        """Raise InterruptedError if a signal has come; `done` of `total` pictures (or what `of` says) are safe."""
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            raise InterruptedError(f"stopped by {name}: {done} of {total} {of} are kept; run this again to go on")


@contextmanager
def stopping() -> Iterator[Stop]:
    """Note SIGTERM and SIGUSR1 while the block lasts, in place of what they did before."""
    stop = Stop()
    before = {number: signal.signal(number, stop.note) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
