"""All seeds in one job, or a job for each: the same results, and what was trained is not trained again."""

import shutil

import pytest
import yaml
from snake import copy_of_the_repository, job_counts, snakemake

from sgid.runtime import read_json

FOLDER = "shapes/resnet_tiny/cutmix"
OVERLAY = {"seeds": [0, 1], "backbones": {"resnet_tiny": {"recipe": {"epochs": 3}}}}
LENGTHS = {"seconds", "images_per_second", "peak_memory"}


class Clone:
    """A copy of the repository in which the seeds of one method are trained."""

    def __init__(self, folder):
        self.folder = copy_of_the_repository(folder)

    def run(self, *words, seeds=(0, 1), **training):
        """`snakemake` for the runs of these seeds, under the overlay with other settings of training."""
        overlay = OVERLAY | {"seeds": sorted({0, 1, *seeds}), "training": training}
        (self.folder / "overlay.yaml").write_text(yaml.safe_dump(overlay))
        targets = [f"results/runs/{FOLDER}/seed-{seed}.json" for seed in seeds]
        call = snakemake(
            *targets, *words, "--configfile", "config/demo.yaml", "overlay.yaml", "--cores", "1", cwd=self.folder
        )
        assert call.code == 0, call.text[-3000:]
        return call

    @property
    def log(self):
        return (self.folder / f"logs/train_classifier/{FOLDER}/seeds.log").read_text()

    def results(self):
        """Records but for how long they took, and the bytes of the predictions."""
        records = [read_json(path) for path in sorted((self.folder / "results/runs" / FOLDER).glob("*.json"))]
        tables = [path.read_bytes() for path in sorted((self.folder / "results/predictions" / FOLDER).iterdir())]
        return [{key: value for key, value in record.items() if key not in LENGTHS} for record in records], tables


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    clone = Clone(tmp_path_factory.mktemp("seeds"))
    assert job_counts(clone.run().text)["train_classifier"] == 1
    return clone


@pytest.mark.slow
def test_one_job_a_seed_has_the_results_of_one_job_for_all(clone, tmp_path):
    packed = clone.results()
    alone = Clone(tmp_path / "alone")
    assert job_counts(alone.run(pack_seeds=False).text)["train_classifier"] == 2
    assert len(packed[0]) == 2
    assert alone.results() == packed


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{"pack_seeds": False}, {"checkpoint_minutes": 1}])
def test_what_changes_no_result_trains_nothing_again(clone, changed):
    assert "Nothing to be done" in clone.run("-n", **changed).text


@pytest.mark.slow
def test_a_lost_run_and_a_seed_more_train_only_what_is_new(clone):
    before = clone.results()
    (clone.folder / f"results/runs/{FOLDER}/seed-1.json").unlink()
    clone.run()
    assert "2 of 2 runs were trained before" in clone.log
    assert clone.results() == before
    clone.run(seeds=(0, 1, 2))
    assert "2 of 3 runs were trained before" in clone.log
    assert clone.results()[1][:2] == before[1]


@pytest.mark.slow
def test_the_best_epoch_by_configuration_holds_the_validation_images_out(clone, tmp_path):
    best = Clone(tmp_path / "best")
    shutil.copytree(clone.folder / "results/datasets", best.folder / "results/datasets")
    best.run(report="best_on_validation")
    record = read_json(best.folder / f"results/runs/{FOLDER}/seed-0.json")
    assert len(record["curves"]["validation_accuracy"]) == 3
    assert record["training"]["report"] == "best_on_validation"
