"""Scores are counted from predictions; run records carry what tables need."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sgid.composition import Mix, TrainingSet
from sgid.evaluation import peak_memory, run_record, scores_of
from sgid.loop import History
from sgid.predictions import SCHEMA

NAMES = ["red", "green", "blue"]
HISTORY = History(epochs=2, steps=6, images=12, seconds=0.5, train_loss=[1.5, 1.0])


def predictions(labels, predicted):
    columns = [
        [f"{row:04d}" for row in range(len(labels))],
        labels,
        predicted,
        [1.0] * len(labels),
        [1.0] * len(labels),
    ]
    return pa.table(columns, schema=SCHEMA)


def scores(labels, predicted, names=NAMES):
    return scores_of(predictions(labels, predicted), class_names=names)


def training_set(originals, generated, **fields):
    count = originals + generated
    rows = torch.arange(count)
    pictures = {"images": torch.zeros(count, 2, 2, 3), "labels": torch.zeros(count), "origin": rows % originals}
    return TrainingSet(generated=rows >= originals, **pictures, **fields)


def record(pictures=None, history=HISTORY, **changes):
    names = {"dataset": "world", "backbone": "tiny", "method": "sgid", "seed": 3}
    origin = {
        "image_set": {"recipe": "sgid", "noise_rate": "0.5"},
        "miniature": True,
        "device": "cpu",
        "training": {},
    } | changes
    return run_record(names, scores([0, 1], [0, 2]), pictures or training_set(4, 2), history, **origin)


def test_accuracy_is_the_percentage_of_right_predictions():
    found = scores([0, 1, 2, 0], [0, 1, 1, 0])
    assert (found["accuracy"], found["correct"], found["test_images"]) == (75.0, 3, 4)


def test_accuracy_by_class_is_of_the_pictures_of_that_class():
    assert scores([0, 0, 1, 0], [0, 0, 1, 1])["per_class_accuracy"] == {"red": pytest.approx(200 / 3), "green": 100.0}


def test_a_class_that_is_never_right_has_an_accuracy_of_zero():
    assert scores([0, 1], [0, 0])["per_class_accuracy"] == {"red": 100.0, "green": 0.0}


def test_the_confusion_matrix_counts_what_each_class_was_taken_for():
    assert scores([0, 0, 0, 2], [0, 1, 1, 2])["confusion"] == {"red": {"red": 1, "green": 2}, "blue": {"blue": 1}}


def test_classes_of_one_name_are_no_hits_for_each_other_and_have_an_accuracy_each():
    found = scores([0, 0, 2, 2, 2], [0, 2, 2, 2, 1], names=["crane", "dog", "crane"])
    assert (found["accuracy"], found["correct"]) == (60.0, 3)
    assert found["per_class_accuracy"] == {"crane (0)": 50.0, "crane (2)": pytest.approx(200 / 3)}
    assert found["confusion"]["crane (0)"] == {"crane (0)": 1, "crane (2)": 1}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_the_confusion_matrix_holds_every_picture_once(pairs):
    found = scores(*map(list, zip(*pairs, strict=True)))
    assert sum(sum(row.values()) for row in found["confusion"].values()) == len(pairs)
    assert sum(found["confusion"].get(name, {}).get(name, 0) for name in NAMES) == found["correct"]
    assert found["correct"] == sum(label == predicted for label, predicted in pairs)


def test_a_run_record_says_what_was_trained_and_is_plain_json():
    found = record()
    assert json.loads(json.dumps(found)) == found
    assert (found["train_images"], found["generated_images"]) == (6, 2)
    assert (found["recipe"], found["noise_rate"], found["seed"]) == ("sgid", "0.5", 3)
    assert found["curves"] == {"epoch": [1, 2], "train_loss": [1.5, 1.0]}
    assert (found["accuracy"], found["confusion"]) == (50.0, {"red": {"red": 1}, "green": {"blue": 1}})
    assert found["miniature"] is True
    assert "commit" in found["provenance"]


def test_a_run_without_generated_images_has_no_recipe():
    found = record(training_set(2, 0), image_set=None)
    assert (found["recipe"], found["noise_rate"], found["generated_images"]) == (None, None, 0)


def test_a_run_record_says_how_generated_images_entered():
    found = record(training_set(4, 2, mix=Mix("replace", 0.25), excluded=7))
    assert (found["mix"], found["excluded_images"]) == ("replace", 7)


def test_images_a_second_are_those_that_the_epochs_visited():
    assert record()["images_per_second"] == 12 / 0.5


def test_without_a_validation_curve_the_last_epoch_is_reported():
    assert record()["reported_epoch"] == 2


def test_the_validation_curve_and_the_best_epoch_are_recorded_where_there_are_any():
    found = record(history=replace(HISTORY, validation_accuracy=[90.0, 80.0], best_epoch=1))
    assert (found["curves"]["validation_accuracy"], found["reported_epoch"]) == ([90.0, 80.0], 1)


def test_the_settings_of_training_are_recorded():
    settings = {"mix": "append", "budget": "steps", "epochs_factor": 2}
    assert record(training=settings)["training"] == settings


def test_the_peak_of_memory_is_of_this_process_in_mib():
    before = peak_memory("cpu")["resident_mib"]
    ballast = torch.ones(max(256, int(before)) * 2**18)  # as many MiB of float32
    after = peak_memory("cpu")
    assert before > 50
    assert after["resident_mib"] >= before + 100
    assert after["gpu_mib"] is None
    assert len(ballast)
