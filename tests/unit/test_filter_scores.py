"""What CLIP and a classifier say of generated pictures, with tiny models."""

import os
import signal
from pathlib import Path

import pyarrow as pa
import pytest
import tiny_models
import torch
from drawn_sets import drawn_row, with_pictures
from drawn_training import RESNET

from sgid import filter_classifier
from sgid.backbones import Backbone
from sgid.filter_classifier import judge, thresholds_of
from sgid.filter_scores import SCHEMA, read_subjects, score_images
from sgid.image_table import pictures_of
from sgid.jobs import Images, Job
from sgid.predictions import SCHEMA as PREDICTED
from sgid.predictions import read_predictions
from sgid.runtime import read_json
from sgid.similarity import load_clip
from sgid.trained import planned_runs

ROOT = Path(__file__).parents[2]
NAMES = {0: "cat", 1: "dog"}
SUBJECTS = {"subject": {"default": ["A picture of a {label}", "{label}"]}, "negative": {"default": ["nothing", "sky"]}}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return load_clip(tiny_models.save_clip(tmp_path_factory.mktemp("clip")), batch_size=2)


def originals():
    table = with_pictures([{"image_id": source, "label": label} for source, label in (("a", 0), ("b", 1))])
    return table.set_column(1, "image", tiny_models.picture_table(2)["image"])


def drawn():
    rows = [drawn_row("b", 1), drawn_row("a", 0, replicate=0), drawn_row("a", 0, replicate=1)]
    table = with_pictures(rows).sort_by("image_id")
    return table.set_column(1, "image", tiny_models.picture_table(3, seed=5)["image"])


def scores(clip, generated=None, **changes):
    how = {"names": NAMES, "subjects": SUBJECTS, "dataset": "pets"} | changes
    return score_images(clip, drawn() if generated is None else generated, originals(), **how)[0]


def test_every_picture_has_a_row_of_scores_that_are_probabilities_and_cosines(clip):
    table = scores(clip)
    assert table.schema == SCHEMA
    assert table["image_id"].to_pylist() == drawn()["image_id"].to_pylist()
    for name in ("clip_own", "clip_subject"):
        assert all(0 <= value <= 1 for value in table[name].to_pylist())


def test_the_class_is_that_of_the_nearest_label_text_and_of_two_classes_has_half_at_least(clip):
    rows = zip(*(scores(clip)[name].to_pylist() for name in ("clip_class", "clip_own")), drawn()["label"], strict=True)
    assert all((own >= 0.5) == (nearest == label.as_py()) for nearest, own, label in rows)


def test_of_the_originals_it_is_told_in_how_many_clip_sees_the_class(clip):
    images, texts = pictures_of(originals()), clip.encode_texts(["A picture of a cat", "A picture of a dog"])
    right = (clip.encode_images(images) @ texts.T).argmax(dim=1) == torch.tensor([0, 1])
    told = score_images(clip, drawn(), originals(), names=NAMES, subjects=SUBJECTS, dataset="pets")[1]
    assert told == right.double().mean().item()


def test_the_subject_is_there_where_a_text_with_it_is_nearer_than_every_text_without(clip):
    image = clip.encode_images(pictures_of(drawn()))[0]
    there, missing = (clip.encode_texts(texts) @ image for texts in (["A picture of a cat", "cat"], ["nothing", "sky"]))
    assert (scores(clip)["clip_subject"][0].as_py() > 0.5) == bool(there.max() > missing.max())
    swapped = SUBJECTS | {"subject": SUBJECTS["negative"], "negative": SUBJECTS["subject"]}
    turned = scores(clip, subjects=swapped)["clip_subject"].to_pylist()
    assert turned == pytest.approx([1 - value for value in scores(clip)["clip_subject"].to_pylist()])


def test_a_picture_that_is_its_original_has_cosine_1_and_each_is_compared_with_its_own(clip):
    table = drawn()
    same = table.set_column(1, "image", pa.chunked_array([originals()["image"].take([0, 0, 1]).combine_chunks()]))
    assert scores(clip, same)["cosine"].to_pylist() == pytest.approx([1, 1, 1], abs=1e-5)
    features = clip.encode_images(pictures_of(table)), clip.encode_images(pictures_of(originals()))
    expected = [float(features[0][row] @ features[1][source]) for row, source in enumerate((0, 0, 1))]
    assert scores(clip)["cosine"].to_pylist() == pytest.approx(expected, abs=1e-5)
    assert expected[2] != pytest.approx(float(features[0][2] @ features[1][0]), abs=1e-3)


def test_the_texts_of_the_repository_serve_every_data_set(config):
    lists = read_subjects(ROOT / "config/prompts/filter_texts.yaml")
    assert all(lists[kind]["default"] for kind in lists)
    assert {name for kind in lists for name in lists[kind]} - {"default"} <= set(config["datasets"])


def test_texts_without_one_of_the_lists_are_refused(tmp_path):
    (tmp_path / "texts.yaml").write_text("subject: {default: [x]}")
    with pytest.raises(ValueError, match=r"texts.yaml: needs the lists `subject` and `negative`"):
        read_subjects(tmp_path / "texts.yaml")


def test_a_threshold_is_the_mean_confidence_over_the_validation_images_of_its_class():
    shares = [("a", 2, 0, 0.9, 0.1), ("b", 0, 0, 0.9, 0.9), ("c", 2, 2, 0.5, 0.5)]
    validation = pa.table([pa.array(column) for column in zip(*shares, strict=True)], names=PREDICTED.names)
    assert thresholds_of(validation) == {"0": pytest.approx(0.9), "2": pytest.approx(0.3)}


@pytest.fixture
def judged(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    train, validation = (tiny_models.picture_table(count, seed=seed) for count, seed in ((32, 0), (8, 1)))
    image_set = {"recipe": "sgid", "noise_rate": "0.3"}
    job = Job(
        {"dataset": "pets", "backbone": "tiny", "method": "filter"},
        Backbone.from_config(RESNET),
        ["cat", "dog"],
        Images(train, validation, image_set, held_out=validation),
        training={},
        base_seed=0,
        miniature=True,
        noted={"split": "validation"},
    )
    paths = {"runs": "results/filter/pets/sgid/seed-0.json", "predictions": "results/filter/pets/sgid/seed-0.parquet"}
    (run,) = planned_runs(paths, {"of": "filter"})
    judge(job, run, drawn(), minutes=10)
    return job, run


def test_the_classifier_is_measured_on_validation_it_did_not_learn_and_predicts_the_drawn_pictures(judged):
    _, run = judged
    record, predictions = read_json(run.record), read_predictions(run.predictions)
    assert predictions["image_id"].to_pylist() == drawn()["image_id"].to_pylist()
    assert (record["test_images"], record["train_images"], record["generated_images"]) == (8, 24, 0)
    assert (record["split"], record["recipe"], record["noise_rate"]) == ("validation", "sgid", "0.3")
    assert record["thresholds"].keys() == {"0", "1"}


def test_a_signal_to_stop_waits_until_the_pictures_are_judged(judged, monkeypatch):
    job, run = judged
    own, before = filter_classifier.predict, signal.signal(signal.SIGTERM, lambda *_: pytest.fail("not waited for"))
    monkeypatch.setattr(filter_classifier, "predict", lambda *what: os.kill(os.getpid(), signal.SIGTERM) or own(*what))
    run.kept(".json").unlink()
    run.record.unlink()
    judge(job, run, drawn(), minutes=10)
    assert run.record.exists()
    signal.signal(signal.SIGTERM, before)


def test_a_classifier_that_was_trained_before_is_not_trained_again(judged, monkeypatch):
    job, run = judged
    before = read_json(run.record)
    run.record.unlink()
    monkeypatch.setattr(type(job.trainer), "fit", None)  # calling it would raise
    judge(job, run, drawn(), minutes=10)
    assert read_json(run.record) == before
