"""Advisory locks on open files, which the kernel lets go of when their holder ends, however it ends."""

import errno
import fcntl
from typing import BinaryIO, TextIO

WITHOUT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of file systems without locks, or with none switched on


def lock_if_free(stream: BinaryIO | TextIO | int) -> bool:
    """Lock an open file or descriptor for this process alone; False where another process has it."""
    try:
        _lock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(stream: BinaryIO | TextIO) -> None:
    """Lock an open file for this process alone, once no other one has it."""
    _lock(stream, fcntl.LOCK_EX)


def _lock(stream: BinaryIO | TextIO | int, how: int) -> None:
    """Raises OSError that names the file where its file system has no locks."""
    try:
        fcntl.flock(stream, how)
    except OSError as error:
        if error.errno not in WITHOUT:
            raise
        what = "the file system has no locks; move this folder, or have locks switched on (Lustre: flock)"
        raise OSError(error.errno, what, getattr(stream, "name", None)) from error
