from pathlib import Path

import pytest

from sgid.benchmark_files import benchmarks_of, benchmarks_on, gaps, measured

RUN = "results/runs/pets/vit/sgid/seed-0.json"


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["s\th:m:s\tmax_rss", *rows]) + "\n")
    return path


def test_repeats_are_the_same_work_so_their_seconds_are_averaged_and_the_largest_memory_counts(tmp_path):
    path = write(tmp_path / "job.tsv", "10\t0:00:10\t300", "20\t0:00:20\t200")
    assert measured(path) == (15, 300)


@pytest.mark.parametrize("nothing", ["NA", "-"])
def test_a_job_that_was_too_short_to_be_looked_at_has_its_seconds(tmp_path, nothing):
    assert measured(write(tmp_path / "job.tsv", f"0.2\t0:00:00\t{nothing}")) == (0.2, 0)


@pytest.mark.parametrize("rows", [["NA\tNA\tNA"], ["nan\t0:00:00\t3"], []])
def test_a_file_without_seconds_is_refused(tmp_path, rows):
    with pytest.raises(ValueError, match=r"job\.tsv: has no number of seconds .*; delete it and run its job again"):
        measured(write(tmp_path / "job.tsv", *rows))


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    (tmp_path / "pets.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(ValueError, match=r"pets\.tsv: has no number of seconds"):
        measured(tmp_path / "pets.tsv")


def test_the_benchmarks_on_some_data_sets_have_one_of_them_in_their_path(tmp_path):
    names = ("draw_images/pets/sgid/noise-0.5/shard-0-of-1", "write_sentences/dtd", "pets/other")
    paths = [str(write(tmp_path / f"{name}.tsv")) for name in names]
    assert benchmarks_on(["pets"], tmp_path) == paths[:1]


def test_a_run_has_a_benchmark_of_its_own_or_one_for_all_seeds(tmp_path):
    names = [str(path.relative_to(tmp_path)) for path in benchmarks_of("train_classifier", RUN, tmp_path)]
    folder = "train_classifier/pets/vit/sgid"
    assert names == [f"{folder}/seed-0.tsv", f"{folder}/seeds.tsv", f"{folder}.tsv"]


def test_the_folder_of_a_noise_rate_keeps_its_decimals():
    paths = benchmarks_of("train_candidate", "results/selection/pets/sgid/noise-0.5/seed-0.json")
    assert str(paths[-1]) == "results/benchmarks/train_candidate/pets/sgid/noise-0.5.tsv"


def test_outputs_without_a_benchmark_and_those_not_made_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [f"results/runs/pets/vit/{method}/seed-0.json" for method in ("re", "ra", "sgid")]
    for path in paths[:2]:
        Path(path).parent.mkdir(parents=True)
        Path(path).touch()
    write(tmp_path / "bench/train_classifier/pets/vit/re/seeds.tsv")
    missing = gaps([("train_classifier", "pets", path) for path in paths], Path("bench"))
    assert missing == [("train_classifier", "pets", 1, 1)]
