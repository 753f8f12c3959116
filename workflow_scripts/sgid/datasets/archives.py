"""The files inside an archive or a folder, one after the other; nothing is unpacked, so nothing can land elsewhere.

Zip files, tar files of any compression and plain folders are told apart by content. A member whose name is absolute or
climbs out of the archive, and a link, are refused before anything behind them is read: a data set has no use for them.
"""

import errno
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

# The last three: what the libraries make of offsets and names that a damaged directory invents.
DAMAGE = (
    *(tarfile.ReadError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError),
    *(OSError, UnicodeDecodeError, IndexError),
)
Member = tuple[str, Callable[[], bytes]]


def members(path: str | Path) -> Iterator[Member]:
    """(name, read) of every regular file, in the archive's own order; a folder's in the order of names.

    `read` must be called before the next member is asked for. Raises ValueError that names archive and reason for a
    damaged, encrypted or missing archive, a name that leaves it, or a link.
    """
    path = present(Path(path))
    yield from undamaged(opener(path)(path), path)


def present(path: Path) -> Path:
    """The path itself; raises ValueError where nothing is there any more."""
    if not path.exists():
        raise ValueError(
            f"{path}: is gone (it was a link, perhaps); delete archives.json in its folder and run this again"
        )
    return path


def undamaged(archive: Iterable[Member], path: Path) -> Iterator[Member]:
    """The members; damage that shows at the next one, or when the bytes of this one are read, names the archive."""
    with naming_damage(path):
        for name, read in archive:
            yield name, naming_damage(path)(read)


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Turn what the libraries raise for an archive that they cannot read into a ValueError that names it."""
    try:
        yield
    except DAMAGE as error:
        # With a number it is the disk that fails, not the archive; only EINVAL is an offset that cannot be.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError(f"{path}: cannot be read to its end ({said(error)}); delete it, fetch it again") from error
    except RuntimeError as error:  # zipfile's for a password, and (NotImplementedError is one) for a compression
        why = f"is encrypted or compressed in a way that is not known here ({said(error)})"
        raise ValueError(f"{path}: {why}; pack its files anew, as a plain zip or tar archive") from error


def said(error: Exception) -> str:
    """What an error says in one line, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0].removesuffix(":")


def opener(path: Path) -> Callable[[Path], Iterator[Member]]:
    """How to read a path, by what it is."""
    if path.is_dir():
        return in_folder
    return in_zip if zipfile.is_zipfile(path) else in_tar


def in_folder(root: Path) -> Iterator[Member]:
    """Every file below a folder, hidden ones too."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_bytes


def in_zip(path: Path) -> Iterator[Member]:
    """Every file of a zip archive."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = safe(entry.filename, path)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise a_link(name, path)
            if not entry.is_dir():
                yield name, lambda entry=entry: archive.read(entry)


def in_tar(path: Path, stream: IO[bytes] | None = None) -> Iterator[Member]:
    """Every regular file of a tar archive, or of one inside another whose bytes come as `stream`."""
    with tarfile.open(path if stream is None else None, "r|*" if stream else "r:*", fileobj=stream) as archive:
        for entry in archive:
            name = safe(entry.name, path)
            if entry.issym() or entry.islnk():
                raise a_link(name, path)
            if entry.isfile():
                yield name, lambda entry=entry: archive.extractfile(entry).read()
        read_out(archive.fileobj)


def in_nested_tar(path: Path, name: str) -> Iterator[Member]:
    """The members of the tar archive called `name` inside a zip archive, or of `path` where that is no zip archive."""
    if not zipfile.is_zipfile(path):
        yield from members(path)
        return
    with naming_damage(path), zipfile.ZipFile(path) as outer:
        inner = next((each for each in outer.namelist() if PurePosixPath(each).name == name), None)
        if inner is None:
            raise ValueError(f"{path}: holds no {name}; it is not the archive that the configuration describes")
        with outer.open(inner) as stream:
            yield from undamaged(in_tar(path / inner, stream), path / inner)


def read_out(stream: IO[bytes]) -> None:
    """Read to the end, where gzip keeps its checksum: tarfile stops before it, and changed bytes would go unnoticed."""
    while stream.read(1 << 20):
        pass


def a_link(name: str, archive: Path) -> ValueError:
    """The error for a member that stands for another file."""
    return ValueError(f"{archive}: member {name!r} is a link; no data set has any, do not trust this archive")


def safe(name: str, archive: Path) -> str:
    """The name of a member; raises ValueError for one that points out of the archive."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or "\0" in name or parts.as_posix()[1:2] == ":":
        raise ValueError(f"{archive}: member {name!r} points out of the archive; do not trust this archive")
    return PurePosixPath(name).as_posix()


def named(archive: Iterable[Member], names: Iterable[str]) -> dict[str, bytes]:
    """The bytes of the members whose last part is one of `names`; the first of each."""
    wanted, found = set(names), {}
    for name, read in archive:
        last = PurePosixPath(name).name
        if last in wanted and last not in found:
            found[last] = read()
            if len(found) == len(wanted):
                break
    return found


def matching(archive: Iterable[Member], pattern: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """(the pattern's group `id`, bytes) of each member in whose name the pattern is found."""
    for name, read in archive:
        match = pattern.search(name)
        if match:
            yield match["id"], read()
