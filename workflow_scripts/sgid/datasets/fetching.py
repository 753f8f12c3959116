"""The archives of one data set, verified, and the record that says where they lie."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sgid.download import RemoteFile, local_copy, obtain, stand_for
from sgid.runtime import file_hash, read_json
from sgid.transfer import RefusedError

ROOT_VARIABLE = "SGID_RESOURCES_ROOT"


def resource_roots(configured: str | None) -> list[Path]:
    """Folders that are laid out like resources/, from the environment and the configuration, in this order.

    Raises RefusedError for one that is not there: its copies would be passed over without a word.
    """
    named = {f"${ROOT_VARIABLE}": os.environ.get(ROOT_VARIABLE), "resources_root": configured}
    roots = {name: Path(root).expanduser() for name, root in named.items() if root}
    for name, root in roots.items():
        if not root.is_dir():
            raise RefusedError(f"{name}: there is no folder {root}; correct the path, or take it out")
    return list(roots.values())


def fetch_dataset(
    name: str,
    archives: Mapping[str, Mapping],
    folder: Path,
    *,
    roots: Sequence[Path] = (),
    repacking: str | None = None,
    patience: float = 1.0,
) -> dict:
    """The record of a data set's files: by name of the registry, the file in `folder`, its size and sha256.

    Each root may have a copy in `datasets/{name}/` or in `{name}/`; a copy is linked from `folder`, so that the
    record is the same wherever a file came from. With `repacking`, a folder or archive that holds the same contents
    otherwise, nothing is fetched: beside it count the files that are at hand, and the loader verifies what it reads.
    Raises RefusedError before the first download where a file can come from nowhere.
    """
    copies = [root / part / name for root in roots for part in ("datasets", ".")]
    files = {role: RemoteFile(**entry) for role, entry in archives.items()}
    record = {}
    if repacking is not None:
        record = repacked(name, Path(repacking).expanduser(), folder)
        files = {role: each for role, each in files.items() if local_copy(each, [folder, *copies])}
    require_sources(name, files, [*copies, folder])
    for role, wanted in files.items():
        path = obtain(wanted, folder, roots=copies, advice=advice(name, role), patience=patience)
        link(path, folder / wanted.file)
        size, sha256 = path.stat().st_size, wanted.sha256 or file_hash(path)
        record[role] = {"file": wanted.file, "bytes": size, "sha256": sha256}
    return record


def repacked(name: str, repacking: Path, folder: Path) -> dict:
    """The record of a repacking, which is linked from `folder`; raises RefusedError where it is not there."""
    if not repacking.exists():
        raise RefusedError(f"datasets.{name}.repacking: there is no {repacking}; correct the path")
    link(repacking, folder / "repacking")
    return {"repacking": {"file": "repacking"}}


def require_sources(name: str, files: Mapping[str, RemoteFile], folders: Sequence[Path]) -> None:
    """Refuse files without a mirror and without a copy at once, all of them, not behind an hour of other downloads."""
    lacking = {role: wanted for role, wanted in files.items() if not (local_copy(wanted, folders) or wanted.urls)}
    if lacking:
        listed = ", ".join(f"{wanted.file} ({wanted.known_by})" for wanted in lacking.values())
        raise RefusedError(
            f"{name}: no mirror is known of {listed}; {advice(name, next(iter(lacking)))}, or name a folder or archive "
            f"with their contents as datasets.{name}.repacking if its source can read one (config/README.md)"
        )


def advice(name: str, role: str) -> str:
    """What to do where a file cannot be fetched."""
    return (
        f"get it another way and name it as datasets.{name}.archives.{role}.path, or put it into the folder "
        f"resources/datasets/{name}/ (make it), or into datasets/{name}/ below ${ROOT_VARIABLE}"
    )


def link(path: Path, name: Path) -> None:
    """Let `name` stand for a file or folder that lies elsewhere; refuses to replace one that is no link itself."""
    if name.exists() and not name.is_symlink() and not name.samefile(path):
        raise RefusedError(f"{name}: lies there already, and {path} is named as well; remove one of the two")
    stand_for(path, name)


def fetched_files(records: Sequence[str | Path]) -> dict[str, Path]:
    """Path by name of the registry, of what the record (one or none) lists beside itself."""
    return {
        role: Path(record).parent / entry["file"] for record in records for role, entry in read_json(record).items()
    }
