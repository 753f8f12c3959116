"""Tiny archives in the true layouts, and what a loader makes of them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from scipy.io import savemat
from small_pictures import JPEG

from sgid.datasets import DataSet, Request, prepare

Files = Mapping[str, bytes]


def tar_of(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def zip_of(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def folder_of(path: Path, files: Files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def flipped(path: Path, share: float) -> Path:
    """The file, one bit changed at this share of its length."""
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 0x10
    path.write_bytes(data)
    return path


def prepared(source: str, files: Mapping[str, Path], *, validation=0.5, broken="stop", sizes=None, **asked) -> DataSet:
    workspace = next(iter(files.values())).parent / "workspace"
    entry = {"source": source, "validation": validation, "broken": broken} | (sizes or {})
    return prepare(source, entry, Request(files=files, **asked), workspace=workspace)


def labels_of(data: DataSet) -> dict[str, dict[str, int]]:
    return {split: {each.image_id: each.label for each in part} for split, part in data.parts.items()}


def mat(**variables) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables)
    return buffer.getvalue()


TEXTURES = ["a/a_0001", "a/a_0002", "a/a_0003", "b/b_0001", "b/b_0002", "b/b_0003"]


def dtd(tmp_path: Path, pictures: Files | None = None, *, split: str = "partition-1", **asked) -> DataSet:
    """Two classes; partition k trains on image k of both, validates on the next and tests on the one after."""
    pictures = dict.fromkeys(TEXTURES, JPEG) | (pictures or {})
    files = {f"dtd/images/{name}.jpg": data for name, data in pictures.items() if data is not None}
    for number in (1, 2, 3):
        for file, after in {"train": 0, "val": 1, "test": 2}.items():
            names = [f"{kind}/{kind}_000{(number - 1 + after) % 3 + 1}.jpg" for kind in "ab"]
            files[f"dtd/labels/{file}{number}.txt"] = "\n".join(names).encode()
    asked = {"split": split, "validation": "official"} | asked
    return prepared("dtd", {"data": tar_of(tmp_path / "dtd.tar.gz", files)}, **asked)
