"""The small real archives of ../shared/data/dev, as an overlay of the configuration."""

import hashlib
import json
from pathlib import Path

import pytest
from configuration_files import FILES, laid_over, read_config

from sgid.dataset_registry import DatasetRegistry
from sgid.datasets import DataSet, prepare, request_of
from sgid.datasets.naming import listed_names

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
DEV = DATA / "dev"
NAMES = ["cifar10", "cifar100", "caltech101", "cars", "flowers102", "pets", "dtd"]
# Its README's own numbers: train, validation where official, test, classes.
SIZES = {
    "cifar10": {"train": 300, "test": 100},
    "cifar100": {"train": 300, "test": 150},
    "caltech101": {"train": 30, "test": 117, "classes": 6},
    "cars": {"train": 50, "test": 30},
    "flowers102": {"train": 24, "test": 24},
    "pets": {"train": 25, "test": 14},
    "dtd": {"train": 16, "test": 16, "classes": 4},
}
needs_dev = pytest.mark.skipif(not DEV.is_dir(), reason="the real archives of ../shared/data/dev are not here")


def registry_of(folder: Path) -> DatasetRegistry:
    """The seven sets of the configuration, from the small archives; `folder` as for `overlay`."""
    base = read_config(*FILES)
    return DatasetRegistry(laid_over(base, overlay(base, prefix="file://", folder=folder))["datasets"])


def prepared(name: str, registry: DatasetRegistry, workspace: Path) -> DataSet:
    """One set, read from its archives as its rule reads it."""
    entry = registry.entries[name]
    files = {role: DEV / "archives" / name / archive["file"] for role, archive in entry["archives"].items()}
    names = listed_names(registry.optional_file(name, "class_names"))
    request = request_of(entry, files=files, split_files=registry.split_file(name), names=names, seed=0)
    return prepare(name, entry, request, workspace=workspace)


def manifest() -> dict[str, dict]:
    """Size and hashes by path, as the archives' own manifest has them."""
    return {entry["path"]: entry for entry in json.loads((DEV / "manifest.json").read_text())}


def overlay(config: dict, *, prefix: str, folder: Path) -> dict:
    """What to lay over the configuration so that the seven sets are those of the small archives below `prefix`.

    `folder`: where the frozen split of the small Caltech101 is written.
    """
    listed = manifest()
    datasets = {name: dict(SIZES[name]) for name in NAMES}
    for name in NAMES:
        archives = config["datasets"][name]["archives"]
        datasets[name]["archives"] = {
            role: {"urls": [f"{prefix}/{name}/{entry['file']}"]}
            | {key: listed[f"archives/{name}/{entry['file']}"][key] for key in ("bytes", "md5", "sha256")}
            for role, entry in archives.items()
        }
    datasets["cars"]["annotations"] = car_annotations()
    datasets["caltech101"] |= {"split": "small", "splits": {"small": small_split(folder / "small.csv")}}
    datasets["caltech101"]["validation"] = 0.2
    datasets["caltech101"]["prompt_names"] = {}
    return {"datasets": datasets}


def car_annotations() -> dict[str, str]:
    from sgid.datasets.archives import members, named

    found = named(members(DEV / "archives/cars/car_devkit.tgz"), ["cars_train_annos.mat", "cars_meta.mat"])
    labels = DEV / "archives/cars/cars_test_annos_withlabels.mat"
    return {name: hashlib.md5(data).hexdigest() for name, data in (found | {labels.name: labels.read_bytes()}).items()}


def small_split(path: Path) -> dict[str, str]:
    """Five of each class to train on; the classes of the archive have 8 images and more."""
    from sgid.datasets.archives import in_nested_tar
    from sgid.datasets.caltech101 import INNER, MEMBER
    from sgid.datasets.listing import Picture
    from sgid.datasets.splits import split_csv, thirty_of_each

    archive = DEV / "archives/caltech101/caltech-101.zip"
    ids = [match["id"] for name, _ in in_nested_tar(archive, INNER) if (match := MEMBER.search(name))]
    names = sorted({each.split("/")[0] for each in ids})
    pictures = [Picture(each, names.index(each.split("/")[0]), "", each) for each in ids]
    text = split_csv(thirty_of_each(pictures, seed=0, count=5))
    path.write_text(text, encoding="utf-8")
    return {"file": str(path), "sha256": hashlib.sha256(text.encode()).hexdigest()}
