"""The benchmark of training runs to its end and writes its report; how fast it finds anything is not tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def smoke(folder, *words):
    command = [sys.executable, "benchmarks/training.py", "--smoke", "--device", "cpu", "--results", str(folder), *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(next(folder.iterdir()).read_text(encoding="utf-8"))


@pytest.mark.slow
def test_its_tiny_sizes_run(tmp_path):
    report = smoke(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["training-tiny.json"]
    assert report["device"].startswith("cpu")
    for part in ("training", "augmentation"):
        assert report[part]["ratio"].keys() == {"plain", "random_erasing", "randaugment"}
        rates = [rate for ways in report[part]["images_a_second"].values() for rate in ways.values()]
        assert len(rates) == 8
        assert min(rates) > 0
    assert report["probe"]["seeds"] == 2
    assert min(report["probe"]["seconds"].values()) > 0


@pytest.mark.slow
def test_the_way_through_its_true_sizes_runs_on_a_tiny_network(tmp_path):
    report = smoke(tmp_path, "--true-sizes")
    assert [path.name for path in tmp_path.iterdir()] == ["training-true.json"]
    assert report["training"]["resnet50_224"]["share_of_goal"] > 0
    assert report["augmentation"]["resnet50_224"]["images_a_second"]["moex"]["ours"] > 0
    assert report["jobs"]["seconds_of_seeds"]["a_job_each"] > 0
