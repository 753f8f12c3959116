"""What the configuration says of a model: where its record lies, and what decides its contents.

Standard library only: read while Snakemake plans.
"""

from collections.abc import Mapping
from pathlib import Path

from sgid.model_files import MissingFilesError, files_of, names_in
from sgid.references import ConfigError

RECORD = "model.json"
IDENTITY = ("id", "revision", "library", "variant", "sha256")


def record_of(name: str, entry: Mapping) -> str:
    """The record of a model's weights, beside which they lie.

    A folder of one's own that has a record is read where it is; any other is described under resources/models.
    """
    own = Path(entry["folder"], RECORD) if "folder" in entry else None
    return str(own) if own and own.is_file() else f"resources/models/{name}/{RECORD}"


def identity(name: str, entry: Mapping) -> dict:
    """What a model is, not where it comes from: a new mirror or a copy elsewhere is no reason to fetch it again.

    Raises ConfigError where a folder of one's own is not there or lacks what the loader reads.
    """
    if "folder" not in entry:
        return {key: entry[key] for key in IDENTITY if key in entry}
    return {"files": {kept: state(path) for kept, path in own_files(name, entry).items()}}


def own_files(name: str, entry: Mapping) -> dict[str, Path]:
    """The files of a folder of one's own, by the name under which the loader reads them."""
    folder = Path(entry["folder"])
    if not folder.is_dir():
        raise ConfigError(f"models.{name}.folder: there is no folder {folder}; correct the path")
    try:
        files = files_of(entry.get("library"), names_in(folder), entry.get("variant"))
    except MissingFilesError as error:
        raise ConfigError(
            f"models.{name}.folder: {folder} {error}; put the files there in the layout of their library "
            "(config/README.md), weights as safetensors"
        ) from error
    return {kept: folder / file for kept, file in files.items()}


def state(path: Path) -> list[int]:
    """Size and whole seconds of the last change of a file."""
    found = path.stat()
    return [found.st_size, int(found.st_mtime)]
