from pathlib import Path

from sgid.site_costs import Cost, costs_of, read_benchmarks


def benchmark(folder: Path, name: str, seconds: float, memory: float) -> Path:
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n")
    return path


def test_seconds_are_added_up_and_the_largest_memory_stands_by_rule_and_data_set(tmp_path):
    paths = [
        benchmark(tmp_path, "draw_images/pets/sgid/noise-0.5/shard-0-of-2", 10.5, 900),
        benchmark(tmp_path, "draw_images/pets/sgid/noise-0.5/shard-1-of-2", 20, 1000),
        benchmark(tmp_path, "measure_consistency/figure3/pets/sgid", 1, 5),
    ]
    assert costs_of(read_benchmarks(paths, ["pets"], tmp_path), []) == [
        Cost("draw_images", "pets", 2, 30.5, 1000), Cost("measure_consistency", "pets", 1, 1, 5)
    ]  # fmt: skip


def test_outputs_that_were_not_measured_have_a_row_without_jobs():
    missing = [("train_classifier", "pets", 1, 1)]
    assert costs_of([], missing) == [Cost("train_classifier", "pets", 0, 0, 0, unmeasured=1, not_made=1)]


def test_what_is_complete_and_was_not_measured_has_no_row():
    assert costs_of([], [("draw_images", "pets", 0, 0)]) == []
