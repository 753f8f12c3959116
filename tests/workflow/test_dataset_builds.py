"""Archives to image tables through Snakemake: seven sets in one command, faults, and kills at random points."""

import hashlib
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from archive_server import Behaviour, serving
from dev_archives import DEV, NAMES, SIZES, needs_dev, overlay
from snake import copy_of_the_repository, snakemake

from sgid.image_table import read_table, read_test_table

TABLES = ("train.parquet", "validation.parquet", "test.parquet", "index.csv", "classes.csv", "duplicates.csv")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("clone"))


def tables_of(clone: Path, name: str) -> dict[str, str]:
    return {file: digest(clone / "results/datasets" / name / file) for file in TABLES}


@pytest.fixture(scope="module")
def seven(clone, paper_config, tmp_path_factory):
    """All seven by HTTP, in one command; what each file's hash then is."""
    folder = tmp_path_factory.mktemp("split")
    with serving(DEV / "archives") as address:
        (clone / "seven.yaml").write_text(yaml.safe_dump(overlay(paper_config, prefix=address, folder=folder)))
        call = snakemake("datasets", "--configfile", "seven.yaml", "--cores", "2", cwd=clone)
    assert call.code == 0, call.text[-4000:]
    return {name: tables_of(clone, name) for name in NAMES}


@needs_dev
@pytest.mark.parametrize("name", NAMES)
def test_all_seven_go_from_archives_to_tables_in_one_command(seven, clone, name):
    folder = clone / "results/datasets" / name
    sizes = {"train": len(read_table(folder / "train.parquet")), "test": len(read_test_table(folder / "test.parquet"))}
    assert sizes == {split: SIZES[name][split] for split in ("train", "test")}
    assert not list(folder.glob(".*"))
    assert not list((clone / "resources/datasets" / name).glob(".*"))


@needs_dev
def test_file_addresses_give_the_same_tables(seven, clone, paper_config, tmp_path):
    again = copy_of_the_repository(tmp_path / "clone")
    laid = overlay(paper_config, prefix=f"file://{DEV}/archives", folder=tmp_path)
    (again / "seven.yaml").write_text(yaml.safe_dump(laid))
    call = snakemake("datasets", "--configfile", "seven.yaml", "--cores", "2", cwd=again)
    assert call.code == 0, call.text[-4000:]
    assert {name: tables_of(again, name) for name in NAMES} == seven


@needs_dev
def test_a_copied_folder_without_a_network_gives_the_same_record(seven, clone, tmp_path, monkeypatch):
    laid = yaml.safe_load((clone / "seven.yaml").read_text())
    for entry in laid["datasets"].values():
        for archive in entry["archives"].values():
            archive["urls"] = []
    again = copy_of_the_repository(tmp_path / "clone")
    (again / "offline.yaml").write_text(yaml.safe_dump(laid))
    monkeypatch.setenv("SGID_RESOURCES_ROOT", str(DEV / "archives"))
    record = "resources/datasets/cars/archives.json"
    call = snakemake(record, "--configfile", "offline.yaml", "--cores", "1", cwd=again)
    assert call.code == 0, call.text[-4000:]
    assert digest(again / record) == digest(clone / record)
    assert (again / "resources/datasets/cars/cars_train.tgz").resolve() == (
        DEV / "archives/cars/cars_train.tgz"
    ).resolve()


def small_cifar(path: Path) -> dict:
    """A CIFAR-10 archive drawn on the fly, and the overlay that describes it without its address."""
    rng, meta = np.random.default_rng(0), {"label_names": [f"class{k}" for k in range(10)]}
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    labels = [k % 10 for k in range(40)]
    files = {name: {"labels": labels, "data": rng.integers(0, 256, (40, 3072), np.uint8)} for name in names}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**files, "batches.meta": meta}.items():
            data = pickle.dumps(content, protocol=2)
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    known = {"bytes": path.stat().st_size, "md5": hashlib.md5(path.read_bytes()).hexdigest(), "sha256": digest(path)}
    return {"datasets": {"cifar10": {"train": 200, "test": 40, "archives": {"data": known}}}}


@pytest.fixture
def drawn_archive(tmp_path):
    (tmp_path / "host").mkdir()
    laid = small_cifar(tmp_path / "host" / "cifar-10-python.tar.gz")

    def described(address: str) -> str:
        laid["datasets"]["cifar10"]["archives"]["data"]["urls"] = [f"{address}/cifar-10-python.tar.gz"]
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(laid))
        return str(tmp_path / "overlay.yaml")

    return tmp_path / "host", described


def test_a_wrong_archive_ends_in_one_sentence_and_nothing_under_its_name(drawn_archive, tmp_path):
    host, described = drawn_archive
    clone = copy_of_the_repository(tmp_path / "clone")
    archive = host / "cifar-10-python.tar.gz"
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with serving(host) as address:
        call = snakemake("dataset_cifar10", "--configfile", described(address), "--cores", "1", cwd=clone)
    assert call.code == 1
    assert "cifar-10-python.tar.gz: its sha256 is " in call.text
    assert "datasets.cifar10.archives.data.path" in call.text
    assert list((clone / "resources/datasets").rglob("*")) in ([], [clone / "resources/datasets/cifar10"])


def killed_after(seconds: float, clone: Path, overlay: str) -> bool:
    """Run the data set's target and kill it and all its processes; whether it was still at work."""
    words = ["dataset_cifar10", "--configfile", overlay, "--cores", "2", "--nolock"]
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words], cwd=clone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return True
    return False


@pytest.mark.slow
def test_a_build_killed_at_ten_random_points_resumes_and_ends_with_the_same_hashes(drawn_archive, tmp_path):
    host, described = drawn_archive
    calm, restless = (copy_of_the_repository(tmp_path / name) for name in ("calm", "restless"))
    behaviour, chance = Behaviour(delay=0.15), random.Random(0)
    with serving(host) as address:
        call = snakemake("dataset_cifar10", "--configfile", described(address), "--cores", "2", cwd=calm)
        assert call.code == 0, call.text[-4000:]
    with serving(host, behaviour) as address:
        overlay = described(address)
        kills = 0
        for _ in range(40):
            # Once all is made, nothing would be left to kill: start anew from the archive.
            if not killed_after(chance.uniform(1.5, 6.0), restless, overlay):
                for path in (restless / "results/datasets/cifar10").glob("*"):
                    path.unlink()
                continue
            kills += 1
            if kills == 10:
                break
        final = snakemake("dataset_cifar10", "--configfile", overlay, "--cores", "2", "--nolock", cwd=restless)
    assert kills == 10
    assert final.code == 0, final.text[-4000:]
    assert tables_of(restless, "cifar10") == tables_of(calm, "cifar10")
    assert any(asked.startswith("bytes=") for asked in behaviour.requests["cifar-10-python.tar.gz"])
    assert not [path.name for path in (restless / "results/datasets/cifar10").iterdir() if path.name.startswith(".")]


@needs_dev
def test_a_table_says_which_split_of_which_data_set_it_is(seven, clone):
    metadata = pq.read_schema(clone / "results/datasets/pets/test.parquet").metadata[b"sgid"]
    assert json.loads(metadata) == {"dataset": "pets", "split": "test"}
