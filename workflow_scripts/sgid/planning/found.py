"""What results and downloads that are there say about the work that is left: rates chosen, prompts, sizes, devices."""

import json
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sgid.matrix import Matrix
from sgid.planning.amounts import Found
from sgid.planning.estimates import weight_bytes
from sgid.planning.graph import Job


def found_in(matrix: Matrix, root: Path = Path()) -> Found:
    """What lies below a folder; each answer is read when it is asked for."""
    return Found(
        rate=partial(rate_in, root=root),
        guided=lambda dataset, recipe: guided_share(root / f"results/prompts/{dataset}/{recipe}.parquet"),
        weight_bytes=lambda model: bytes_of_model(
            root / f"resources/models/{model}/model.json", matrix.config["models"][model]
        ),
    )


def read_quietly(path: Path) -> dict:
    """A JSON mapping; empty where there is none, or half of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def nested(value: Any, *names: str) -> Any:
    """What stands under names of mappings within each other; None where something else does."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def rate_in(dataset: str, recipe: str, root: Path = Path()) -> float | None:
    """The noise rate that validation chose."""
    rate = nested(read_quietly(root / f"results/selection/{dataset}/{recipe}.json"), "chosen", "noise_rate")
    return float(rate) if isinstance(rate, int | float) else None


def guided_share(path: Path) -> float | None:
    """Share of a recipe's prompts whose guidance is not 1 and that say anything: those need the unconditional half."""
    if not path.is_file():
        return None
    from sgid.image_table import read_table  # here, not above: most plans have no prompts to read

    rows = read_table(path, ["guidance", "weights"]).to_pylist()
    needs = [row["guidance"] != 1 and bool(json.loads(row["weights"])) for row in rows]
    return sum(needs) / len(needs) if needs else None


def bytes_of_model(record: Path, entry: Mapping) -> float | None:
    """Of the files that a record names, else by the size that a repository's model is known to have."""
    files = read_quietly(record).get("files", {})
    return float(sum(each["bytes"] for each in files.values())) if files else weight_bytes(entry.get("id", ""))


def device_of(job: Job, root: Path = Path()) -> str:
    """The device that a finished job ran on, as its results say; empty where they do not, or cannot be read."""
    path = root / job.outputs[0]
    if path.suffix == ".json":
        return str(nested(read_quietly(path), "provenance", "device") or "")
    if path.suffix != ".parquet" or not path.is_file():
        return ""
    from sgid.image_table import read_metadata

    try:
        metadata = read_metadata(path)
    except (OSError, ValueError):
        return ""
    return str(nested(metadata, "provenance", "device") or "")


def of_device(jobs: Iterable[Job], names: Iterable[str], root: Path = Path()) -> list[Job]:
    """The jobs whose results say that they ran on a device of one of these names."""
    names = [name.lower() for name in names]
    return [job for job in jobs if any(name in device_of(job, root).lower() for name in names)]
