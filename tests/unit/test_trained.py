"""Finished runs are kept and found again by all that decides them, and by nothing else."""

import errno
import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest

from sgid import trained
from sgid.predictions import SCHEMA, read_predictions
from sgid.runtime import read_json
from sgid.trained import MODULES, PlannedRun, decisive, key_of, missing, planned_runs, prune, together

RUNS = "results/runs/pets/vit/sgid/seed-{}.json"
TABLES = "results/predictions/pets/vit/sgid/seed-{}.parquet"
RECORD = {"dataset": "pets", "backbone": "vit", "method": "sgid", "accuracy": 50.0, "miniature": False}


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(*seeds):
    return {"runs": [RUNS.format(seed) for seed in seeds], "predictions": [TABLES.format(seed) for seed in seeds]}


def predictions(probability=0.5):
    return pa.table([["a", "b"], [0, 1], [0, 0], [probability] * 2, [probability] * 2], schema=SCHEMA)


def record(run, **changes):
    return RECORD | {"seed": run.seed} | changes


def keep(*seeds, settings="as they are", **changes):
    runs = planned_runs(outputs(*seeds), {"settings": settings})
    for run in runs:
        run.keep(record(run, **changes), predictions())
    return runs


def forget_outputs(*runs):
    for run in runs:
        run.record.unlink()
        run.predictions.unlink()


def test_the_runs_of_a_job_are_those_of_its_outputs():
    runs = planned_runs(outputs(0, 3), {})
    assert [run.seed for run in runs] == [0, 3]
    assert [str(run.predictions) for run in runs] == [TABLES.format(0), TABLES.format(3)]
    assert runs[0].key != runs[1].key


def test_a_single_output_and_one_without_predictions_are_runs_too():
    (run,) = planned_runs({"runs": "results/selection/pets/sgid/noise-0.5/seed-2.json"}, {})
    assert (run.seed, run.predictions) == (2, None)
    assert str(run.kept(".json")).startswith("resources/trained/selection/pets/sgid/noise-0.5/seed-2.")


def test_what_is_kept_is_what_the_job_hands_on():
    (run,) = keep(0)
    assert read_json(run.record) == record(run)
    assert read_predictions(run.predictions).equals(predictions())


def test_a_kept_run_is_handed_on_again_to_the_byte_and_not_trained_again(caplog):
    runs = keep(0, 1)
    before = [(run.record.read_bytes(), run.predictions.read_bytes()) for run in runs]
    forget_outputs(*runs)
    with caplog.at_level(logging.INFO):
        todo = missing(planned_runs(outputs(0, 1, 2), {"settings": "as they are"}))
    assert [run.seed for run in todo] == [2]
    assert "2 of 3 runs were trained before and are taken from resources/trained" in caplog.text
    assert [(run.record.read_bytes(), run.predictions.read_bytes()) for run in runs] == before


def test_a_run_that_something_else_decides_is_trained():
    keep(0)
    assert len(missing(planned_runs(outputs(0), {"settings": "others"}))) == 1


def test_a_run_of_another_place_is_not_taken_though_its_settings_are_equal():
    keep(0)
    other = {"runs": [RUNS.format(0).replace("sgid", "other")], "predictions": [TABLES.format(0)]}
    assert len(missing(planned_runs(other, {"settings": "as they are"}))) == 1


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
@pytest.mark.parametrize("damage", ["cut", "lost"])
def test_a_damaged_or_lost_half_is_no_run(suffix, damage):
    (run,) = keep(0)
    path = run.kept(suffix)
    path.write_bytes(path.read_bytes()[:-7]) if damage == "cut" else path.unlink()
    assert missing([run]) == [run]


def test_a_kept_run_needs_its_checkpoint_no_more():
    (run,) = planned_runs(outputs(0), {})
    checkpoint = run.checkpoint(10)
    checkpoint.save({"model": {}})
    assert (checkpoint.key, checkpoint.minutes, checkpoint.path.exists()) == (run.key, 10, True)
    run.keep(record(run), predictions())
    assert not checkpoint.path.exists()


def test_the_run_is_kept_though_its_outputs_find_no_room(monkeypatch):
    (run,) = planned_runs(outputs(0), {})

    def full(source, target):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as filled:
        filled.setattr(trained.shutil, "copyfile", full)
        with pytest.raises(OSError, match="no space left in results/predictions"):
            run.keep(record(run), predictions())
    assert missing([run]) == []


def test_runs_are_trained_one_by_one_but_for_those_that_share_an_encoder():
    runs = planned_runs(outputs(0, 1), {})
    assert together(runs, one_encoder=False) == [[runs[0]], [runs[1]]]
    assert together(runs, one_encoder=True) == [runs]
    assert together([], one_encoder=True) == []


@pytest.fixture
def given(workdir):
    (workdir / "train.parquet").write_text("pictures")
    (workdir / "rejects.csv").write_text("ids")
    return {
        "names": {"dataset": "pets"},
        "params": {"backbone": {"name": "vit"}, "seed": 0},
        "files": ["train.parquet", "rejects.csv"],
        "image_set": {"shards": [{"sha256": "0"}]},
        "device": "cpu",
    }


def decided(given, **changes):
    how = given | changes
    return key_of(decisive(how.pop("names"), how.pop("params"), **how))


def test_a_key_is_made_of_names_params_inputs_and_images(given, workdir):
    keys = [
        decided(given),
        decided(given, names={"dataset": "dtd"}),
        decided(given, params={"backbone": {"name": "vit"}, "seed": 1}),
        decided(given, image_set={"shards": [{"sha256": "1"}]}),
        decided(given, image_set=None),
    ]
    assert decided(given) == keys[0]
    (workdir / "rejects.csv").write_text("others")
    keys.append(decided(given))
    assert len(set(keys)) == 6


def test_exchanged_weights_make_another_key(given, workdir):
    (workdir / "vit").mkdir()
    keys = []
    for weights in (b"old", b"new"):
        (workdir / "vit" / "model.safetensors").write_bytes(weights)
        keys.append(decided(given, weights=workdir / "vit"))
    assert len({*keys, decided(given)}) == 3


def test_what_a_rule_adds_to_a_run_is_part_of_its_key_and_of_no_other_s(given):
    assert decided(given, modules=["filter_classifier"]) != decided(given)
    assert decided(given, modules=[]) == decided(given)


def test_the_key_of_a_judging_classifier_covers_what_is_kept_beside_its_training():
    script = Path(trained.__file__).parents[1] / "judge_images.py"
    assert 'modules=["filter_classifier"]' in script.read_text()


@pytest.mark.parametrize("part", ["code", "packages", "device"])
def test_a_key_is_made_of_code_packages_and_device(given, part):
    before = decisive(**{name: given[name] for name in ("names", "params", "files", "image_set", "device")})
    assert before[part]
    assert key_of(before) != key_of(before | {part: "another"})


def test_the_code_of_a_run_is_all_that_its_training_and_measuring_import():
    from test_layering import PACKAGE, imports_of

    seen, waiting = set(), ["jobs"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        used = {each.split(".")[1] for each in imports_of(PACKAGE / f"{name}.py") if each.startswith("sgid.")}
        waiting += used - seen
    # How a run is kept, stopped and logged decides nothing of it.
    beside = {"trained", "checkpoints", "memory", "host_memory", "stopping", "runtime", "lease", "locks"}
    assert seen - beside <= set(MODULES)
    assert all((PACKAGE / f"{name}.py").exists() for name in MODULES)


def test_pruning_removes_runs_that_differ_from_their_results_and_finished_checkpoints():
    (old,) = keep(0, settings="earlier", accuracy=40.0)
    (new,) = keep(0)
    new.checkpoint(10).save({"model": {}})
    old.checkpoint(10).save({"model": {}})
    sentence = prune()
    assert [path.exists() for path in (old.kept(".json"), old.kept(".parquet"))] == [False, False]
    assert [path.exists() for path in (new.kept(".json"), new.kept(".parquet"))] == [True, True]
    assert not old.checkpoint(0).path.exists()
    assert not new.checkpoint(0).path.exists()
    assert sentence.startswith("resources/trained: 4 files of earlier runs and finished checkpoints removed (")
    assert "2 kept (" in sentence


def test_pruning_keeps_what_has_no_result_but_for_what_was_set_aside():
    (run,) = keep(0)
    forget_outputs(run)
    waiting = PlannedRun(1, run.record.with_name("seed-1.json"), None, "key").checkpoint(10)
    waiting.save({"model": {}})
    aside = waiting.path.with_name(waiting.path.name + ".set-aside")
    aside.write_text("damaged")
    assert "1 files of earlier runs" in prune()
    assert waiting.path.exists()
    assert not aside.exists()
    assert missing([run]) == []


def test_pruning_nothing_is_no_error():
    assert prune().startswith("resources/trained: 0 files")


def test_a_kept_record_is_plain_json():
    (run,) = keep(0)
    assert json.loads(run.kept(".json").read_text())["record"] == record(run)
