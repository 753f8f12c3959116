"""The weights of one model, verified, beside a record of what they are: of a pinned revision, or of one's own folder.

`.plan.json` beside them says what the folder is made to hold. It is written before the first download, so a branch or
tag keeps the commit that it stood for then, an interrupted download goes on with that commit, and what is complete is
recognised without the hub.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sgid.download import part_of, stand_for
from sgid.hub import Hub, HubFile, OfflineError, Revision
from sgid.locks import lock_if_free, wait_for_lock
from sgid.model_files import MissingFilesError, files_of, library_of
from sgid.model_registry import RECORD, own_files
from sgid.runtime import file_hash, read_json, write_json
from sgid.transfer import InterruptedTransferError, RefusedError, require_space

LOG = logging.getLogger("sgid.weights")
PLAN = ".plan.json"
NO_SAFETENSORS = "name a revision that has it (often the hub's own conversion, refs/pr/N) or another repository"


@dataclass(frozen=True)
class Plan:
    """What a model's folder holds: by the name under which a loader reads it, each file of one commit of a repository.

    `id`, `commit` and `revision` (what was asked for) are None for a folder of one's own.
    """

    id: str | None
    commit: str | None
    revision: str | None
    library: str
    variant: str | None
    licence: str | None
    files: dict[str, HubFile]

    def record(self, folder: Path) -> dict:
        """What model.json says; the same wherever the files came from."""
        files = {
            kept: {"bytes": wanted.bytes, "sha256": wanted.sha256 or file_hash(folder / kept)}
            for kept, wanted in sorted(self.files.items())
        }
        return asdict(replace(self, files={})) | {"files": files, "miniature": False}

    def missing(self, folder: Path) -> dict[str, HubFile]:
        """The files that are not there yet, or are others."""
        return {kept: wanted for kept, wanted in self.files.items() if wanted.difference(folder / kept)}

    def answers(self, entry: Mapping, source: Mapping) -> bool:
        """Whether this is what the configuration asks of one of its sources, an id at a revision."""
        asked = (source["id"], entry.get("library") or self.library, entry.get("variant"))
        return asked == (self.id, self.library, self.variant) and source["revision"] in (self.revision, self.commit)


def fetch_model(
    name: str,
    entry: Mapping,
    folder: Path,
    *,
    roots: Sequence[Path] = (),
    endpoint: str | None = None,
    patience: float = 1.0,
) -> dict:
    """The record of a model's files, which lie in `folder` then: downloaded, or links to a copy.

    `roots`: folders that may have a copy in `models/{name}/`. `endpoint`: of the hub, HF_ENDPOINT where none is given.
    Raises RefusedError where neither the hub nor a copy has what the configuration describes, OSError where the hub
    is out of reach or the disk is full; what has come is kept.
    """
    with alone(folder):
        plan = described(name, entry, folder) if "folder" in entry else linked(name, entry, folder, roots)
        plan = plan or downloaded(name, entry, folder, Hub(endpoint, patience=patience))
        return plan.record(folder)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time in a folder, the next one waits; the kernel lets go of it when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as stream:
        if not lock_if_free(stream):
            LOG.warning("another process is at work in %s; waiting for it", folder)
            wait_for_lock(stream)
        yield


def described(name: str, entry: Mapping, folder: Path) -> Plan:
    """A folder of one's own, linked file by file; nothing is copied and nothing is written there."""
    paths = own_files(name, entry)
    library = entry.get("library") or library_of(paths)
    files = {kept: HubFile(path.name, path.stat().st_size, file_hash(path)) for kept, path in paths.items()}
    plan = Plan(None, None, None, library, entry.get("variant"), None, files)
    settle(plan, folder, paths)
    return plan


def linked(name: str, entry: Mapping, folder: Path, roots: Sequence[Path]) -> Plan | None:
    """The first copy below a root that is what the configuration asks for, verified and linked; None without one."""
    for copy in (root / "models" / name for root in roots if (root / "models" / name / RECORD).is_file()):
        found = plan_of(copy / RECORD)
        source = next((each for each in sources(entry) if found and found.answers(entry, each)), None)
        if source is None:
            LOG.warning("%s is not of the configured id, revision, library and variant; passed over", copy)
            continue
        plan = pinned(name, entry, replace(found, revision=source["revision"]))
        for kept, wanted in plan.missing(copy).items():
            raise RefusedError(
                f"{copy / kept}: {wanted.difference(copy / kept)}; put the right file there or delete {copy}"
            )
        settle(plan, folder, {kept: copy / kept for kept in plan.files})
        LOG.info("%s: verified where it lies, and linked", copy)
        return plan
    return None


def downloaded(name: str, entry: Mapping, folder: Path, hub: Hub) -> Plan:
    """The files of the first source that gives them; one that an earlier run began with comes first."""
    begun, refusals = plan_of(folder / PLAN), []
    for source in sorted(sources(entry), key=lambda each: not (begun and begun.answers(entry, each))):
        plan = begun if begun and begun.answers(entry, source) else None
        try:
            plan = plan or planned(source, entry, hub)
            plan = pinned(name, entry, replace(plan, revision=source["revision"]))
            settle(plan, folder, {})
            complete(plan, folder, hub)
            return plan
        except RefusedError as error:
            refusals.append(f"{source['id']} at {source['revision']}: {error}")
            LOG.warning("%s", refusals[-1])
        except (OfflineError, InterruptedTransferError) as error:
            missing = [kept for kept in plan.files if not (folder / kept).is_file()] if plan else ["all of it"]
            raise type(error)(f"models.{name}: {error}; missing: {', '.join(missing)}; {advice(name)}") from error
    raise RefusedError(f"models.{name}: {'; '.join(refusals)}; or {advice(name)}")


def sources(entry: Mapping) -> list[Mapping]:
    """Where a model may be had: its id at its revision, then the successors."""
    return [{"id": entry["id"], "revision": entry["revision"]}, *entry.get("successors", [])]


def planned(source: Mapping, entry: Mapping, hub: Hub) -> Plan:
    """What the hub says of a source."""
    found: Revision = hub.revision(source["id"], source["revision"])
    library, variant = entry.get("library") or library_of(found.files), entry.get("variant")
    try:
        kept = files_of(library, found.files, variant)
    except MissingFilesError as error:
        raise RefusedError(f"it {error}; {NO_SAFETENSORS}") from error
    files = {keep: found.files[file] for keep, file in kept.items()}
    return Plan(found.id, found.commit, source["revision"], library, variant, found.licence, files)


def complete(plan: Plan, folder: Path, hub: Hub) -> None:
    """Bring what is missing; the disk must hold it all, but for what has come, before the first byte of it."""
    missing = plan.missing(folder)
    LOG.info("%s at %s: %d of %d files to fetch", plan.id, plan.commit, len(missing), len(plan.files))
    parts = [path for path in (part_of(folder / kept) for kept in missing) if path.is_file()]
    require_space(folder, sum(each.bytes for each in missing.values()) - sum(path.stat().st_size for path in parts))
    for kept, wanted in sorted(missing.items(), key=lambda each: each[1].bytes):
        hub.bring(plan.id, plan.commit, wanted, folder / kept)


def pinned(name: str, entry: Mapping, plan: Plan) -> Plan:
    """The plan with the configuration's hashes, which decide; raises RefusedError where a source tells of others."""
    pins = entry.get("sha256") or {}
    for kept in pins:
        if kept not in plan.files:
            raise RefusedError(f"models.{name}.sha256: {kept!r} is not fetched (have: {', '.join(plan.files)})")
        told = plan.files[kept]
        if not told.blob and told.sha256 != pins[kept]:
            raise RefusedError(
                f"{kept} has sha256 {told.sha256} there where {pins[kept]} is configured; correct "
                f"models.{name}.sha256, or set it to null for other weights"
            )
    # A file that is known by its blob has no sha256 but the configured one, which may have been taken back.
    files = {
        kept: replace(told, sha256=pins.get(kept, None if told.blob else told.sha256))
        for kept, told in plan.files.items()
    }
    return replace(plan, files=files)


def settle(plan: Plan, folder: Path, links: Mapping[str, Path]) -> None:
    """Note what the folder is made to hold, let links stand for copies, and remove what only the last plan held."""
    last = plan_of(folder / PLAN)
    write_json(asdict(plan), folder / PLAN)
    for kept in set(last.files) - set(plan.files) if last else ():
        (folder / kept).unlink(missing_ok=True)
    for kept, path in links.items():
        stand_for(path, folder / kept)


def plan_of(path: Path) -> Plan | None:
    """The plan that a file holds, or a record of this module's; None where there is none, or another's record."""
    if not path.is_file():
        return None
    found = read_json(path)
    try:
        files = {kept: HubFile(**({"file": kept} | known)) for kept, known in found.pop("files").items()}
        found.pop("miniature", None)
        return Plan(files=files, **found)
    except (KeyError, TypeError, AttributeError):
        return None


def advice(name: str) -> str:
    """What to do where the hub does not help."""
    return (
        f"copy resources/models/{name} from a machine that has it, name a folder that has models/{name} as "
        f"resources_root or in $SGID_RESOURCES_ROOT, or name a folder of your own as models.{name}.folder"
    )
