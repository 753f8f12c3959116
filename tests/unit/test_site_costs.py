from pathlib import Path

import pytest

from sgid.site_costs import Cost, benchmarks_of, costs_of, gaps, read_benchmarks

HEAD = "s\th:m:s\tmax_rss\n"
RUN = "results/runs/pets/vit/sgid/seed-0.json"


def benchmark(folder: Path, name: str, *rows: tuple[float | str, float | str]) -> None:
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(f"{seconds}\t0:00:01\t{memory}\n" for seconds, memory in rows))


def test_seconds_are_added_up_and_the_largest_memory_stands_by_rule_and_data_set(tmp_path):
    benchmark(tmp_path, "draw_images/pets/sgid/noise-0.5/shard-0-of-2", (10.5, 900))
    benchmark(tmp_path, "draw_images/pets/sgid/noise-0.5/shard-1-of-2", (20, 1000))
    benchmark(tmp_path, "measure_consistency/figure3/pets/sgid", (1, 5))
    benchmark(tmp_path, "write_sentences/dtd", (100, 2))
    assert costs_of(read_benchmarks(tmp_path, ["pets"]), {}) == [
        Cost("draw_images", "pets", 2, 30.5, 1000), Cost("measure_consistency", "pets", 1, 1, 5)
    ]  # fmt: skip


def test_a_job_that_was_too_short_to_be_looked_at_counts_its_seconds(tmp_path):
    benchmark(tmp_path, "write_sentences/pets", (0.2, "NA"))
    assert costs_of(read_benchmarks(tmp_path, ["pets"]), {}) == [Cost("write_sentences", "pets", 1, 0.2, 0)]


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    (tmp_path / "write_sentences").mkdir()
    (tmp_path / "write_sentences/pets.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(ValueError, match=r"write_sentences/pets\.tsv: no benchmark of Snakemake's .* delete it"):
        read_benchmarks(tmp_path, ["pets"])


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
    benchmark(tmp_path, "bench/train_classifier/pets/vit/re/seeds", (1, 1))
    missing = gaps([("train_classifier", "pets", path) for path in paths], Path("bench"))
    assert missing == {("train_classifier", "pets"): [1, 1]}
    assert costs_of([], missing) == [Cost("train_classifier", "pets", 0, 0, 0, unmeasured=1, not_made=1)]


def test_what_is_complete_and_was_not_measured_has_no_row():
    assert costs_of([], {("draw_images", "pets"): [0, 0]}) == []
