"""Jobs of several seeds: equal to jobs of one seed each, nothing trained twice, validation images out of reach."""

import gc
import os
import signal
import weakref
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from drawn_training import PROBE, RESNET
from PIL import Image

from sgid import jobs
from sgid.backbones import Backbone
from sgid.image_table import encode, image_rows
from sgid.jobs import Images, Job, complete
from sgid.miniature.world import SHAPES, draw
from sgid.predictions import read_predictions
from sgid.runtime import read_json
from sgid.trained import planned_runs

LENGTHS = {"seconds", "images_per_second", "peak_memory"}


@pytest.fixture(autouse=True)
def workdir(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)


def drawings(count, name):
    drawn = draw(np.random.default_rng(count), count, target_share=0.0, shapes=np.arange(count) % len(SHAPES))
    encoded = [encode(Image.fromarray(picture)) for picture in drawn.images]
    return image_rows([f"{name}/{i:04d}" for i in range(count)], encoded, drawn.fields["shape"].tolist())


TRAIN, VALIDATION, TEST = (drawings(*each) for each in ((48, "train"), (16, "validation"), (24, "test")))


def job(entry=RESNET, *, training=None, images=None, **how):
    return Job(
        {"dataset": "shapes", "backbone": "tiny", "method": "plain"},
        Backbone.from_config(entry),
        list(SHAPES),
        images or Images(TRAIN, TEST),
        training=training or {},
        base_seed=0,
        miniature=True,
        **how,
    )


def planned(*seeds, folder="shapes", predictions=True):
    runs = [f"results/runs/{folder}/seed-{seed}.json" for seed in seeds]
    tables = [f"results/predictions/{folder}/seed-{seed}.parquet" for seed in seeds]
    return planned_runs({"runs": runs, "predictions": tables if predictions else []}, {"of": folder})


def results(runs):
    records = [{key: value for key, value in read_json(run.record).items() if key not in LENGTHS} for run in runs]
    return records, [read_predictions(run.predictions) for run in runs]


@pytest.mark.parametrize("entry", [RESNET, PROBE], ids=["network", "probe"])
def test_seeds_of_one_job_have_the_results_of_jobs_of_their_own(entry):
    packed, alone = planned(0, 1), planned(0, 1, folder="alone")
    complete(job(entry), packed, minutes=10)
    for run in alone:
        complete(job(entry), [run], minutes=10)
    assert results(packed) == results(alone)


def test_each_seed_is_a_run_of_its_own():
    runs = planned(0, 1)
    complete(job(), runs, minutes=10)
    (first, second), (table, other) = results(runs)
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["curves"] != second["curves"]
    assert table["image_id"].to_pylist() == TEST["image_id"].to_pylist()
    assert not table.equals(other)


def test_methods_have_seeds_of_their_own_and_candidates_share_theirs():
    run, named = planned(0)[0], ({"dataset": "shapes", "backbone": "tiny", "method": name} for name in ("sgid", "beam"))
    sgid, beam = (replace(job(), names=names) for names in named)
    assert sgid.seed(run) != beam.seed(run)
    shared = [replace(each, seeded_by=("dataset", "backbone")).seed(run) for each in (sgid, beam)]
    assert shared[0] == shared[1]


def test_what_is_kept_is_not_trained_again_nor_is_a_picture_decoded(monkeypatch):
    runs = planned(0, 1)
    complete(job(), runs, minutes=10)
    before = results(runs)
    for run in runs:
        run.record.unlink()

    def refuse(*_, **__):
        raise AssertionError("nothing is left to be trained")

    for where, name in ((jobs, "compose_training_set"), (jobs.Pictures, "of"), (jobs.Trainer, "fit")):
        monkeypatch.setattr(where, name, refuse)
    complete(job(), runs, minutes=10)
    assert results(runs) == before


def test_of_a_job_that_is_stopped_the_finished_seeds_are_kept(monkeypatch):
    own, fitted = jobs.Trainer.fit, []

    def fit(self, seed, *, checkpoint):
        if len(fitted) == 1:
            raise InterruptedError("stopped by SIGTERM")
        fitted.append(seed)
        return own(self, seed, checkpoint=checkpoint)

    monkeypatch.setattr(jobs.Trainer, "fit", fit)
    with pytest.raises(InterruptedError):
        complete(job(), planned(0, 1), minutes=10)
    assert [run.record.exists() for run in planned(0, 1)] == [True, False]
    assert [run.seed for run in jobs.missing(planned(0, 1))] == [1]


@pytest.fixture
def stopped_while_measuring(monkeypatch):
    """SIGTERM comes whenever runs are measured; where nothing waits for their end, it is an error."""

    def refuse(*_):
        raise AssertionError("the signal was not waited for")

    def stopped(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return own(*arguments)

    own, before = jobs.predict, signal.signal(signal.SIGTERM, refuse)
    monkeypatch.setattr(jobs, "predict", stopped)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("stopped_while_measuring")
def test_a_signal_to_stop_waits_until_what_was_trained_is_measured_and_kept():
    with pytest.raises(InterruptedError, match="stopped by SIGTERM: 1 of 2 runs are kept; run this again to go on"):
        complete(job(), planned(0, 1), minutes=10)
    assert [run.record.exists() for run in planned(0, 1)] == [True, False]
    complete(job(), planned(0, 1), minutes=10)  # the last one: with it the job has all that it was to make
    assert [run.record.exists() for run in planned(0, 1)] == [True, True]


def test_validation_images_are_not_trained_on_and_decide_the_best_epoch():
    both = pa.concat_tables([TRAIN, VALIDATION])
    (run,) = planned(0)
    best = job(images=Images(both, TEST, held_out=VALIDATION), training={"report": "best_on_validation"})
    complete(best, [run], minutes=10)
    record = read_json(run.record)
    assert record["train_images"] == len(TRAIN)
    assert best.trainer.validation.image_ids == VALIDATION["image_id"].to_pylist()
    assert len(record["curves"]["validation_accuracy"]) == record["epochs"]
    assert 1 <= record["reported_epoch"] <= record["epochs"]


def test_validation_images_are_decoded_only_where_they_decide_the_epoch():
    held_out = Images(pa.concat_tables([TRAIN, VALIDATION]), VALIDATION, held_out=VALIDATION)
    assert job(images=held_out, training={"report": "last"}).trainer.validation is None


def test_no_network_of_an_earlier_seed_waits_on_the_device(monkeypatch):
    own, networks, waiting = jobs.Trainer.fit, [], []

    def fit(self, seed, *, checkpoint):
        gc.collect()
        waiting.append(sum(network() is not None for network in networks))
        model, history = own(self, seed, checkpoint=checkpoint)
        networks.append(weakref.ref(model))
        return model, history

    monkeypatch.setattr(jobs.Trainer, "fit", fit)
    complete(job(), planned(0, 1, 2), minutes=10)
    assert waiting == [0, 0, 0]


def test_a_candidate_says_its_split_and_keeps_no_predictions():
    (run,) = planned(0, predictions=False)
    held_out = Images(pa.concat_tables([TRAIN, VALIDATION]), VALIDATION, held_out=VALIDATION)
    complete(job(images=held_out, noted={"split": "validation"}), [run], minutes=10)
    record = read_json(run.record)
    assert (record["split"], record["test_images"], record["train_images"]) == ("validation", 16, 48)
    assert [path.suffix for path in run.kept("").parent.iterdir()] == [".json"]
