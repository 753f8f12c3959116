"""What each result was made from, by the records that Snakemake keeps below `.snakemake/metadata` (its version 9).

A record is a JSON file named by the result's path; it has the rule, log, inputs and params of the job. Snakemake reads
it to see whether params have changed, so it travels with the result.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path, PurePath

RECORDS, RESULTS, BENCHMARKS = ".snakemake/metadata", "results", "results/benchmarks"
LONGEST = 254  # characters of a name; what is longer becomes folders, each with an @ before it


def record_of(path: str) -> str:
    """Where the record of a result lies."""
    coded = urlsafe_b64encode(path.encode()).decode()
    *folders, name = [coded[start : start + LONGEST] for start in range(0, len(coded), LONGEST)] or [""]
    return "/".join([RECORDS, *("@" + folder for folder in folders), name])


def described_by(record: PurePath) -> str:
    """The path of the result that a record, named below the folder of records, is of."""
    return urlsafe_b64decode("".join(part.removeprefix("@") for part in record.parts)).decode()


class Origins:
    """The records of a checkout."""

    def __init__(self, root: Path = Path()):
        self.root = root

    @cached_property
    def records(self) -> Mapping[str, dict]:
        """Path to record, of every result that a job made or an import brought."""
        folder = self.root / RECORDS
        files = (path for path in folder.rglob("*") if path.is_file())
        return {described_by(path.relative_to(folder)): read_record(path) for path in files}

    @cached_property
    def made_together(self) -> Mapping[tuple, list[str]]:
        """Job to its results, its benchmark too."""
        found = defaultdict(list)
        for path, record in self.records.items():
            found[job_of(record)].append(path)
        for (_, *logs), paths in found.items():
            paths += [f"{BENCHMARKS}/{log.removeprefix('logs/').removesuffix('.log')}.tsv" for log in logs]
        return found

    def behind(self, targets: Iterable[str]) -> list[str]:
        """The targets and every result that they rest on, as far as it is there, in the order of their paths."""
        found, todo = set(), list(targets)
        while todo:
            path = todo.pop()
            if path not in found and path.startswith(f"{RESULTS}/"):
                found.add(path)
                record = self.records.get(path)
                todo += [*record["input"], *self.made_together[job_of(record)]] if record else []
        return sorted(path for path in found if (self.root / path).is_file())


def read_record(path: Path) -> dict:
    """One record; raises ValueError, which names the file, where it is no whole JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        step = "wait until no Snakemake runs in this folder, or delete it, then run this again"
        raise ValueError(f"{path}: was not written to its end ({error}); {step}") from error


def job_of(record: Mapping) -> tuple:
    """What tells a job from others: its rule and its logs, which have the wildcards of its outputs."""
    return (record["rule"], *record["log"])
