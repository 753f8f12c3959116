"""Deterministic training, networks that learn, and what the seeds of a job share."""

import shutil
from dataclasses import replace

import pytest
import torch
from drawn_training import (
    PROBE,
    RANDOM_VIT,
    RESNET,
    drawn_pictures,
    drawn_set,
    fit,
    parameters_of,
    with_recipe,
)

from sgid import memory, training
from sgid.backbones import Backbone, build_backbone
from sgid.evaluation import scores_of
from sgid.memory import require_memory
from sgid.miniature.world import SHAPES
from sgid.online import Online
from sgid.predictions import predict
from sgid.training import Trainer, encoded

EVERYTHING = {"randaugment": {}, "random_erasing": {}, "cutmix": {}, "moex": {}}
BEST = {"report": "best_on_validation"}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def encodings(monkeypatch):
    """The number of pictures of each call that encodes a set."""
    counts, own = [], training.encoded

    def counted(model, backbone, images):
        counts.append(len(images))
        return own(model, backbone, images)

    monkeypatch.setattr(training, "encoded", counted)
    return counts


@pytest.fixture
def pretrained(monkeypatch):
    """A probe whose encoder counts as pre-trained: equal for every seed, its head zero."""

    def built(backbone, classes, *, weights_folder, seed):
        model = build_backbone(replace(backbone, weights=None), classes, weights_folder=None, seed=7)
        torch.nn.init.zeros_(model.head.weight)
        torch.nn.init.zeros_(model.head.bias)
        return model

    monkeypatch.setattr(training, "build_backbone", built)
    return PROBE | {"weights": "of the test"}


def trainer(entry, count=40, *, online=None, **how):
    chosen, backbone = Online.from_config(online or {}), Backbone.from_config(entry)
    return Trainer(backbone, lambda: drawn_set(count), len(SHAPES), online=chosen, **how)


def test_the_same_seed_trains_the_same_bits_and_another_seed_does_not():
    networks = [fit(RESNET, drawn_set(40), seed=seed, online=EVERYTHING)[0] for seed in (1, 1, 2)]
    first, second, other = map(parameters_of, networks)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["randaugment", "random_erasing", "cutmix", "moex"])
def test_every_online_method_changes_what_is_learnt(name):
    plain, augmented = fit(RESNET, drawn_set(32)), fit(RESNET, drawn_set(32), online={name: {}})
    assert plain[1].train_loss != augmented[1].train_loss


@pytest.mark.parametrize("entry", [RESNET, RANDOM_VIT, PROBE], ids=["resnet", "vit that draws", "probe"])
def test_seeds_trained_in_one_job_are_those_of_jobs_of_their_own_to_the_bit(entry):
    packed = trainer(entry, online={"cutmix": {}} if entry is RESNET else {})
    both = [packed.fit(seed)[0] for seed in (1, 2)]
    alone = [trainer(entry, online={"cutmix": {}} if entry is RESNET else {}).fit(seed)[0] for seed in (1, 2)]
    assert all(torch.equal(parameters_of(a), parameters_of(b)) for a, b in zip(both, alone, strict=True))


def test_layers_that_draw_take_a_stream_of_the_run_and_leave_the_global_one_alone():
    before = torch.get_rng_state()
    first = parameters_of(fit(RANDOM_VIT, drawn_set(32))[0])
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)
    assert torch.equal(first, parameters_of(fit(RANDOM_VIT, drawn_set(32))[0]))


def test_the_pictures_of_a_job_are_composed_once_and_only_when_something_is_trained():
    calls = []
    job = replace(trainer(RESNET), compose=lambda: calls.append(1) or drawn_set(16))
    assert calls == []
    job.fit(1), job.fit(2)
    assert calls == [1]


def test_unknown_names_in_a_recipe_name_the_legal_ones():
    for key, legal in (("optimizer", "adamw, sgd"), ("schedule", "cosine, constant")):
        with pytest.raises(ValueError, match=rf"{key} 'lamb' is not defined \(have: {legal}\)"):
            fit(with_recipe(RESNET, **{key: "lamb"}), drawn_set(16))


def test_an_unknown_report_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"training.report: 'first' is not defined \(have: last, best_on_validation\)"):
        fit(RESNET, drawn_set(16), settings={"report": "first"})


def test_a_loss_that_breaks_down_stops_the_run():
    with pytest.raises(ValueError, match="lower the backbone's learning_rate"):
        fit(with_recipe(RESNET, learning_rate=1e30, warmup=0.0), drawn_set(16))


def test_a_batch_that_does_not_fit_the_memory_is_one_sentence(monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB. …")

    monkeypatch.setattr("sgid.loop.training_step", full)
    sentence = r"batches of 16 pictures of 32 pixels .* \(Tried to allocate 9.00 GiB\); lower the backbone's batch_size"
    with pytest.raises(MemoryError, match=sentence):
        fit(RESNET, drawn_set(16))


def test_pictures_that_do_not_fit_the_memory_keep_a_sentence_of_their_own(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 100)

    def compose():
        require_memory(40, 32)

    sentence = r"^40 pictures of 32 pixels a side take .*; lower the backbone's view\.resize"
    with pytest.raises(MemoryError, match=sentence):
        replace(trainer(RESNET), compose=compose).fit(1)


def test_a_probe_on_cached_features_equals_one_on_pixels(monkeypatch):
    cached, history = fit(PROBE, drawn_set(48))
    monkeypatch.setattr(Trainer, "on_features", False)
    uncached, again = fit(PROBE, drawn_set(48))
    torch.testing.assert_close(parameters_of(cached), parameters_of(uncached), atol=1e-5, rtol=1e-4)
    assert again.train_loss == pytest.approx(history.train_loss, rel=1e-4)
    assert (again.steps, again.images) == (history.steps, history.images)


def test_encoded_pictures_are_what_the_head_sees_of_them():
    backbone, pictures = Backbone.from_config(PROBE), drawn_set(24)
    model = build_backbone(backbone, len(SHAPES), weights_folder=None, seed=1).eval()
    values = (pictures.images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    torch.testing.assert_close(encoded(model, backbone, pictures.images), model.features(values))


def test_a_pretrained_probe_encodes_its_pictures_once_for_all_seeds(pretrained, encodings):
    job = trainer(pretrained)
    (first, _), (second, _) = job.fit(1), job.fit(2)
    assert encodings == [40]
    assert first.encoder is second.encoder
    assert not torch.equal(first.head.weight, second.head.weight)  # the order of the pictures differs
    assert torch.equal(first.head.weight, trainer(pretrained).fit(1)[0].head.weight)


def test_a_random_probe_encodes_anew_for_each_seed_for_its_encoder_is_another(encodings):
    job = trainer(PROBE)
    (first, _), (second, _) = job.fit(1), job.fit(2)
    assert encodings == [40, 40]
    assert not torch.equal(parameters_of(first.encoder), parameters_of(second.encoder))


def test_a_probe_with_an_online_method_still_leaves_its_encoder_alone():
    fresh = build_backbone(Backbone.from_config(PROBE), len(SHAPES), weights_folder=None, seed=1)
    trained, _ = fit(PROBE, drawn_set(24), online={"moex": {}})
    assert torch.equal(parameters_of(fresh.encoder), parameters_of(trained.encoder))
    assert not torch.equal(parameters_of(fresh.head), parameters_of(trained.head))


@pytest.mark.parametrize("entry", [with_recipe(RESNET, epochs=4), PROBE], ids=["network", "probe"])
def test_the_best_epoch_on_validation_is_the_network_that_is_reported(entry):
    pictures, backbone = drawn_pictures(64), Backbone.from_config(entry)
    model, history = fit(entry, drawn_set(48), settings=BEST, validation=pictures)
    scores = scores_of(predict([model], backbone, pictures)[0], class_names=list(SHAPES))
    assert len(history.validation_accuracy) == 4
    assert scores["accuracy"] == max(history.validation_accuracy)
    assert history.validation_accuracy.index(max(history.validation_accuracy)) + 1 == history.best_epoch


def test_measuring_on_validation_changes_nothing_of_what_is_learnt():
    plain, measured = (
        fit(RANDOM_VIT, drawn_set(32), settings=settings, validation=drawn_pictures(16))[1] for settings in ({}, BEST)
    )
    assert plain.train_loss == measured.train_loss
    assert (plain.validation_accuracy, plain.best_epoch) == ([], None)


def test_the_best_epoch_without_validation_images_is_refused():
    with pytest.raises(ValueError, match="best_on_validation needs validation images"):
        fit(RESNET, drawn_set(16), settings=BEST)


def test_a_budget_in_steps_cuts_the_last_epoch_and_the_schedule_ends_with_it():
    pictures = drawn_set(32)
    doubled = replace(
        pictures,
        images=pictures.images.repeat(2, 1, 1, 1),
        labels=pictures.labels.repeat(2),
        generated=torch.arange(64) >= 32,
        origin=torch.arange(32).repeat(2),
    )
    _, history = fit(with_recipe(RESNET, epochs=3), doubled, settings={"budget": "steps"})
    assert (history.steps, history.images, history.epochs) == (3 * 2, 6 * 16, 2)


def test_averaged_weights_are_what_is_reported():
    plain, averaged = (fit(with_recipe(RESNET, ema=ema), drawn_set(32)) for ema in (None, 0.5))
    assert plain[1].train_loss == averaged[1].train_loss
    assert not torch.equal(parameters_of(plain[0]), parameters_of(averaged[0]))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_network_learns_what_an_interpreted_one_does():
    plain, compiled = (fit(RESNET, drawn_set(32), settings={"compile": flag})[1] for flag in (False, True))
    assert compiled.train_loss == pytest.approx(plain.train_loss, rel=1e-3)


def test_moex_is_not_compiled_away():
    plain, compiled = (
        fit(RESNET, drawn_set(32), online={"moex": {}}, settings={"compile": flag})[1] for flag in (False, True)
    )
    assert compiled.train_loss == plain.train_loss


def test_a_tiny_network_learns_the_drawn_shapes():
    longer = with_recipe(RESNET, epochs=10)
    model, history = fit(longer, drawn_set(240))
    predictions = predict([model], Backbone.from_config(longer), drawn_pictures(200))[0]
    assert history.train_loss[-1] < history.train_loss[0] / 2
    assert scores_of(predictions, class_names=list(SHAPES))["accuracy"] > 40  # chance is 12.5
