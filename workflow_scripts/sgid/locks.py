"""Advisory locks on open files, which the kernel lets go of when their holder ends, however it ends."""

import fcntl
from typing import BinaryIO, TextIO


def lock_if_free(stream: BinaryIO | TextIO | int) -> bool:
    """Lock an open file or descriptor for this process alone; False where another process has it."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
