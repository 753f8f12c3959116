"""Parts of one build made in two checkouts and brought together: Snakemake finds nothing to be done."""

from pathlib import Path

import pytest
from larger_builds import copy_that_touches
from snake import DEMO, copy_of_the_repository, job_counts, snakemake

PARTS = """
build: [left, right]
datasets: {shapes: {train: 24, test: 40}}
seeds: [0, 1]
backbones: {resnet_tiny: {recipe: {epochs: 2}}}
tables:
  left: {title: Left, paper: null, datasets: [shapes], backbones: [resnet_tiny], groups: {a: [backbone]}}
  right: {title: Right, paper: null, datasets: [shapes], backbones: [resnet_tiny], groups: {a: [re]}}
  both: {title: Both, paper: null, datasets: [shapes], backbones: [resnet_tiny], groups: {a: [backbone, re]}}
"""


class Checkout:
    """A copy of the repository, and Snakemake in it on the demo with an overlay."""

    def __init__(self, folder: Path, overlay: str = "{}"):
        self.folder = folder
        (folder / "overlay.yaml").write_text(overlay)

    def call(self, *words, overlay="overlay.yaml"):
        return snakemake(*words, "--cores", "2", "--resources", "gpu=2", *DEMO, overlay, cwd=self.folder)

    def run(self, *words, **overlay):
        call = self.call(*words, **overlay)
        assert call.code == 0, call.text[-3000:]
        return call

    def bring(self, name, source):
        """Import a table with all behind it, packed in another checkout."""
        source.run(f"archive_{name}")
        return self.call("import_archive", "--config", f"archive={source.folder}/results/archives/{name}.tar")

    def read(self, path):
        return (self.folder / path).read_bytes()


@pytest.fixture(scope="module")
def touched(tmp_path_factory):
    """Two checkouts of the demo by jobs that touch; the first has Table 3, the second Table 1 and a figure."""
    folder = tmp_path_factory.mktemp("touched")
    return [Checkout(copy_that_touches(folder / name)) for name in ("first", "second")]


def test_all_behind_a_table_comes_along_and_nothing_is_to_be_done(touched):
    first, second = touched
    second.run("table1", "gallery")
    planned = job_counts(second.run("table3", "-n", "--quiet").text)
    assert planned["train_classifier"] == 3
    assert "brought" in second.bring("table3", first).text
    text = second.run("table1", "gallery", "table3", "-n").text
    assert "Nothing to be done" in text


def test_what_came_by_an_archive_is_made_anew_where_its_params_change(touched):
    second = touched[1]
    (second.folder / "longer.yaml").write_text("backbones: {resnet_tiny: {recipe: {epochs: 31}}}")
    counts = job_counts(second.run("table3", "-n", "--quiet", overlay="longer.yaml").text)
    assert counts["train_classifier"] == 4


def test_the_reports_of_a_table_s_filters_come_along(touched):
    assert "report_rejects" in job_counts(touched[0].run("archive_filter", "-n", "--quiet").text)


@pytest.mark.slow
def test_two_halves_of_a_table_are_what_one_build_makes(tmp_path):
    first, second = (Checkout(copy_of_the_repository(tmp_path / name), PARTS) for name in ("first", "second"))
    second.run("right")
    assert second.bring("left", first).code == 0
    assert "Nothing to be done" in second.run("left", "right", "-n").text
    assert "train_classifier" not in job_counts(second.run("both").text)
    first.run("both", "right")
    for name in ("both", "left", "right"):
        assert second.read(f"results/tables/{name}.csv") == first.read(f"results/tables/{name}.csv")
    # Both have trained the right half: equal numbers, but seconds of their own.
    clash = first.bring("right", second)
    assert clash.code == 1
    assert "is here with other bytes than in" in clash.text
