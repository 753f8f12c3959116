"""What is inside an archive: members that are refused, damage that is noticed."""

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from small_archives import Files, flipped, tar_of, zip_of
from small_pictures import noise

from sgid.datasets.archives import in_nested_tar, members

ARCHIVES: dict[str, Callable[[Path, Files], Path]] = {"x.tar.gz": tar_of, "x.zip": zip_of}
each_archive = pytest.mark.parametrize("name", ARCHIVES)


def read(path: Path) -> dict[str, bytes]:
    return {name: reading() for name, reading in members(path)}


@each_archive
@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "images/../../evil", "..\\evil", "C:\\evil"])
def test_a_member_that_points_out_of_its_archive_is_refused(name, member, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"good": b"1", member: b"2"})
    with pytest.raises(ValueError, match=rf"{name}: member .*evil' points out of the archive; do not trust"):
        read(path)


def tar_link(path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("images/a.jpg")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "w") as archive:
        archive.addfile(entry)


def zip_link(path: Path) -> None:
    entry = zipfile.ZipInfo("images/a.jpg")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")


LINKS = {
    "symbolic in tar": lambda path: tar_link(path, tarfile.SYMTYPE),
    "hard in tar": lambda path: tar_link(path, tarfile.LNKTYPE),
    "symbolic in zip": zip_link,
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_member_that_is_a_link_is_refused(kind, tmp_path):
    LINKS[kind](tmp_path / "archive")
    with pytest.raises(ValueError, match=r"archive: member 'images/a\.jpg' is a link; no data set has any"):
        read(tmp_path / "archive")


@each_archive
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.99])
def test_an_archive_that_was_cut_is_refused_in_one_line(name, share, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"a": noise().tobytes(), "b": noise(50, 50).tobytes()})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=rf"^.*{name}: cannot be read to its end \(.*\); delete it, fetch it again$"):
        read(path)


@each_archive
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_byte_that_was_flipped_is_noticed(name, share, tmp_path):
    path = ARCHIVES[name](tmp_path / name, {"a": noise(60, 60).tobytes()})
    with pytest.raises(ValueError, match=f"{name}: cannot be read to its end"):
        read(flipped(path, share))


# What a zip archive's directory says of its first member: place of the number there, the number, zipfile's words.
LOCKED = {
    "password": (8, 1, "is encrypted, password required"),
    "unknown compression": (10, 97, "compression method is not supported"),
}


READERS = {"as it is": read, "for one inside": lambda path: list(in_nested_tar(path, "inner.tar"))}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", LOCKED)
def test_an_archive_that_cannot_be_opened_here_is_refused_in_one_line(kind, reader, tmp_path):
    place, number, words = LOCKED[kind]
    data = bytearray(zip_of(tmp_path / "x.zip", {"inner.tar": b"1"}).read_bytes())
    data[data.index(b"PK\1\2") + place] = number
    (tmp_path / "x.zip").write_bytes(data)
    sentence = rf"^.*x\.zip: is encrypted or compressed in a way .*{words}.*; pack its files anew, as a plain zip or"
    with pytest.raises(ValueError, match=sentence):
        READERS[reader](tmp_path / "x.zip")


def test_an_archive_that_is_gone_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"x\.zip: is gone .* delete archives\.json in its folder and run this again"):
        read(tmp_path / "x.zip")


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html><html>Quota exceeded</html>" * 50, noise().tobytes()])
def test_what_is_no_archive_is_refused_in_one_line(data, tmp_path):
    (tmp_path / "x.tgz").write_bytes(data)
    with pytest.raises(ValueError, match=r"^.*x\.tgz: cannot be read to its end \(.*\); delete it, fetch it again$"):
        read(tmp_path / "x.tgz")
