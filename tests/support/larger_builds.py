"""Builds to plan and to count with: the paper's matrix so many times larger, and jobs that only touch their outputs."""

import re
from pathlib import Path

from snake import copy_of_the_repository

from sgid.figure_references import OF_ONE_SET

SCRIPT = re.compile(r'    script:\n        "\.\./workflow_scripts/(?!pack_results|import_archive)\w+\.py"')
TOUCH = '    shell:\n        "touch {output}"'


def larger_build(config: dict, times: int, *, pack_seeds: bool = True) -> dict:
    """An overlay that builds every table and figure, on so many copies of each data set that they have."""
    copies = {copy: entry for name, entry in config["datasets"].items() for copy in copies_of(name, times)[1:]}
    return {
        "build": [*config["tables"], *config["figures"]],
        "training": {"pack_seeds": pack_seeds},
        "datasets": copies,
        "tables": {name: enlarged(entry, times) for name, entry in config["tables"].items()},
        "figures": {
            name: enlarged(entry, times) for name, entry in config["figures"].items() if entry["kind"] not in OF_ONE_SET
        },
    }


def copies_of(dataset: str, times: int) -> list[str]:
    """The data set's own name, then those of its copies."""
    return [dataset, *(f"{dataset}_{number}" for number in range(1, times))]


def enlarged(entry: dict, times: int) -> dict:
    """What a table or figure has more: the copies, on which a row stands for what it does on their data set."""
    substitutes = entry.get("instead", {})
    return {
        "datasets": [copy for name in entry["datasets"] for copy in copies_of(name, times)],
        "instead": {copy: substitutes[name] for name in substitutes for copy in copies_of(name, times)},
    }


def copy_that_touches(folder: Path) -> Path:
    """The repository in which each job makes empty files: the graph, its params and its metadata are the real ones."""
    copy = copy_of_the_repository(folder)
    for path in (copy / "rules").glob("*.smk"):
        path.write_text(SCRIPT.sub(TOUCH, path.read_text(encoding="utf-8")), encoding="utf-8")
    return copy
