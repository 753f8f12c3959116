"""What the registry says of a data set, with its defaults filled in (standard library only).

Read while Snakemake plans; what is inside a data set is the business of `sgid.datasets`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from sgid.folders import estimated_sizes, fingerprint
from sgid.references import ConfigError

DEFAULTS = {
    "split": "official",
    "splits": {},
    "archives": {},
    "annotations": {},
    "class_names": None,
    "prompt_names": {},
    "labels": None,
    "broken": "stop",
}
IDENTITY = ("file", "bytes", "md5", "sha256")
CONTENTS = ("source", "split", "splits", "validation", "annotations", "broken")
COUNTS = ("train", "test", "classes")
FILES = ("train.parquet", "classes.csv", "preview.md", "duplicates.md")


class DatasetRegistry:
    """The data sets of a configuration; every answer is a pure function of it, and of a folder where it names one."""

    def __init__(self, datasets: Mapping[str, dict]):
        self.entries = {name: DEFAULTS | entry for name, entry in datasets.items()}

    def field(self, name: str, key: str) -> object:
        """One value of an entry."""
        return self.entries[name][key]

    def sizes(self) -> dict[str, dict]:
        """Entries that all have `train` and `classes`: stated, or for a folder without, what lies in it now.

        `test` is 0 where nothing is tested.
        """
        found = {
            name: {} if "train" in entry else estimated_sizes(entry, name=name) for name, entry in self.entries.items()
        }
        untested = {"test": 0}
        return {
            name: (untested if entry["split"] == untested else {}) | found[name] | entry
            for name, entry in self.entries.items()
        }

    def archives(self, name: str) -> dict[str, dict]:
        """What the archives are, not where they come from: a new mirror or a moved copy is no reason to run again."""
        archives = self.entries[name]["archives"]
        return {role: {key: entry[key] for key in IDENTITY if key in entry} for role, entry in archives.items()}

    def record(self, name: str) -> list[str]:
        """The record of what was fetched, where the source is made of archives."""
        return [f"resources/datasets/{name}/archives.json"] if self.entries[name]["archives"] else []

    def split_file(self, name: str) -> list[str]:
        """The frozen split, where the split is one."""
        splits, split = self.entries[name]["splits"], self.entries[name]["split"]
        return [splits[split]["file"]] if isinstance(split, str) and split in splits else []

    def optional_file(self, name: str, key: str) -> list[str]:
        """The file that a key names, if it names one."""
        return [os.path.expanduser(self.entries[name][key])] if self.entries[name][key] else []

    def contents(self, name: str) -> dict:
        """What decides the contents of the image tables, the state of a folder's pictures included.

        Neither where things lie nor the stated counts, which are only held against what is found; the drawn world
        alone is as large as they say.
        """
        entry = self.entries[name]
        found = {key: entry[key] for key in CONTENTS}
        if "folder" in entry:
            found["pictures"] = fingerprint(self.folder(name))
        if entry["source"] == "drawn":
            found |= {key: entry[key] for key in COUNTS}
        return found

    def folder(self, name: str) -> Path:
        """The folder of one's own behind a data set; raises ConfigError where it is not there."""
        path = Path(self.entries[name]["folder"]).expanduser()
        if not path.is_dir():
            raise ConfigError(f"datasets.{name}.folder: there is no folder {path}; correct the path")
        return path

    def split_seed(self, name: str, seed: int) -> int | None:
        """The seed of what is drawn, None where nothing is: a change of it then makes nothing anew."""
        entry = self.entries[name]
        return seed if entry["validation"] != "official" or isinstance(entry["split"], Mapping) else None

    def files(self, name: str) -> list[str]:
        """What a reader of a data set opens; its other tables come with them."""
        return [f"results/datasets/{name}/{file}" for file in FILES]
