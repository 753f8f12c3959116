"""What a build still has to fetch, and whether it can: models from the hub, archives from their mirrors."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sgid.datasets.fetching import ROOT_VARIABLE, resource_roots
from sgid.planning.findings import NOTE, STOPS, Finding
from sgid.planning.machine import status_of
from sgid.planning.plan_report import amount, size
from sgid.planning.plans import Plan

AT_ONCE = 16  # questions


def model_findings(plan: Plan) -> Iterator[Finding]:
    """One a model that is still to be fetched: what, how much, the command, and what is in the way."""
    names = [job.names["model"] for job in plan.waiting if job.rule == "fetch_model"]
    roots = resource_roots(plan.config["resources_root"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda name: model_finding(name, plan.config["models"][name], plan, roots), names)


def model_finding(name: str, entry: Mapping[str, Any], plan: Plan, roots: list[Path]) -> Finding:
    """Of one model."""
    fetch = f"snakemake resources/models/{name}/model.json --cores 1"
    if "folder" in entry:
        return Finding(NOTE, f"model {name}: {entry['folder']} is linked and hashed once", fetch, missing=True)
    bytes_ = size(plan.build.amounts.weights(name).stored) or "unknown size"
    what = f"model {name}: {entry['id']} at {entry['revision'][:12]}, {bytes_}, is not there"
    if any((root / "models" / name).is_dir() for root in roots):
        return Finding(NOTE, f"{what}, a copy is", fetch, missing=True)
    copy = f"copy the folder from a machine that has it to models/{name} below ${ROOT_VARIABLE}"
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("0", ""):
        return Finding(STOPS, f"{what}, and HF_HUB_OFFLINE is set", f"unset it, or {copy}", missing=True)
    if problem := hub_problem(entry["id"], entry["revision"]):
        why, step, silent = problem
        said = f"{what}, {why}"
        return Finding(STOPS, said, f"{step}, or {copy}", missing=True, silent=silent, name=f"model {name}")
    return Finding(NOTE, what, f"{fetch} (or the build fetches it); accept its licence first", missing=True)


def hub_problem(name: str, revision: str) -> tuple[str, str, str] | None:
    """What is in the way of fetching a revision, the next step, and the hub if it is silent; None where nothing is."""
    from huggingface_hub import constants, get_token  # here, not above: nothing may be missing

    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{constants.ENDPOINT}/api/models/{name}/revision/{quote(revision, safe='')}"
    status, body = status_of(url, headers=headers)
    page = f"{constants.ENDPOINT}/{name}"
    if status is None:
        return f"and {constants.ENDPOINT} does not answer", "look at the network or HF_ENDPOINT", constants.ENDPOINT
    if status in (401, 403) or (is_gated(body) and not token):
        return "and it is gated or private", f"accept its licence at {page} and set HF_TOKEN", ""
    if status == 404:
        return "and the hub does not know it", f"look at {page} and correct models.*.revision", ""
    return None if status < 400 else (f"and the hub answers {status}", "try again in a while", "")


def is_gated(body: bytes) -> bool:
    """Whether the hub's answer says that a licence has to be accepted."""
    try:
        return bool(json.loads(body).get("gated"))
    except (ValueError, AttributeError):
        return False


def archive_findings(plan: Plan) -> Iterator[Finding]:
    """One a data set whose archives are still to be fetched."""
    datasets = [job.names["dataset"] for job in plan.waiting if job.rule == "fetch_dataset"]
    roots = resource_roots(plan.config["resources_root"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda name: archive_finding(name, plan, roots), datasets)


def archive_finding(name: str, plan: Plan, roots: list[Path]) -> Finding:
    """Of one data set: how much is lacking, whence it comes, and whether that place answers."""
    entry = plan.config["datasets"][name]
    fetch = f"snakemake resources/datasets/{name}/archives.json --cores 1"
    folders = [Path("resources/datasets", name), *(root / part / name for root in roots for part in ("datasets", "."))]
    lacking = {} if "repacking" in entry else lacking_of(entry["archives"], folders)
    total = amount(sum(each.get("bytes", 0) for each in lacking.values()))
    if not lacking:
        return Finding(NOTE, f"data set {name}: its files are at hand and will be verified", fetch, missing=True)
    yours = [each["file"] for each in lacking.values() if not each["urls"]]
    if yours:
        step = f"put them into resources/datasets/{name}/ or below ${ROOT_VARIABLE} (config/README.md)"
        return Finding(
            STOPS,
            f"data set {name}: {', '.join(yours)} must come from you",
            f"{step}, or {without(name, plan)}",
            missing=True,
        )
    silent = [each["file"] for each in lacking.values() if not any(map(answers, each["urls"]))]
    what = f"data set {name}: {total} from {host(lacking)} are not there"
    if silent:
        step = f"look at the network, or put the files into resources/datasets/{name}/ or below ${ROOT_VARIABLE}"
        said = f"{what}, and no mirror of {', '.join(silent)} answers"
        return Finding(STOPS, said, step, missing=True, silent=host(lacking), name=f"data set {name}")
    return Finding(NOTE, what, f"{fetch} (or the build fetches them); its licence: config/README.md", missing=True)


def lacking_of(archives: Mapping[str, Mapping], folders: list[Path]) -> dict[str, Mapping]:
    """The archives that no folder has and no `path` names."""
    return {
        role: each
        for role, each in archives.items()
        if "path" not in each and not any((folder / each["file"]).is_file() for folder in folders)
    }


def host(archives: Mapping[str, Mapping]) -> str:
    """Where the first archive comes from."""
    return next(iter(archives.values()))["urls"][0].split("/")[2] or "a folder"


def answers(url: str) -> bool:
    """Whether a mirror gives the file, as far as a question about it tells; some do not take such questions."""
    status, _ = status_of(url, head=True)
    return status is not None and (status < 400 or status in (405, 501))


def together(findings: Iterable[Finding]) -> Iterator[Finding]:
    """What only the network withholds as one finding, where it is more than one thing, and the others as they are."""
    listed = list(findings)
    silent = [finding for finding in listed if finding.silent]
    if len(silent) < 2:
        yield from listed
        return
    yield from (finding for finding in listed if not finding.silent)
    hosts = ", ".join(dict.fromkeys(finding.silent for finding in silent))
    names: dict[str, list[str]] = {}
    for kind, _, name in (finding.name.rpartition(" ") for finding in silent):
        names.setdefault(kind, []).append(name)
    listing = ", and for ".join(f"{kind}s {', '.join(each)}" for kind, each in names.items())
    step = (
        "look at the network or HF_ENDPOINT, or copy resources/models/NAME and resources/datasets/NAME from a machine "
    )
    step += f"that has them to models/NAME and datasets/NAME below ${ROOT_VARIABLE}"
    yield Finding(STOPS, f"network: no answer from {hosts}, for {listing}", step, missing=True)


def without(dataset: str, plan: Plan) -> str:
    """The overlay, in one line, that leaves a data set out of what is built, and what needs it."""
    matrix, config = plan.matrix, plan.config
    users = [name for name in plan.names if dataset in matrix.entry(name)["datasets"]]
    narrowed = {name: [each for each in matrix.entry(name)["datasets"] if each != dataset] for name in users}
    build = [name for name in plan.names if narrowed.get(name, True)]
    parts = [f"build: [{', '.join(build)}]"]
    for kind in ("tables", "figures"):
        kept = {name: ", ".join(sets) for name, sets in narrowed.items() if sets and name in config[kind]}
        entries = ", ".join(f"{name}: {{datasets: [{sets}]}}" for name, sets in kept.items())
        parts += [f"{kind}: {{{entries}}}"] if kept else []
    return f"leave it out of {', '.join(users)} by an overlay with {{{', '.join(parts)}}}"
