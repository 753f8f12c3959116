"""Training sets without leaks, deterministic training, and networks that learn."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.nn.functional import one_hot

from sgid.backbones import Backbone, Recipe, build_backbone
from sgid.composition import TrainingSet, compose_training_set
from sgid.evaluation import evaluate
from sgid.image_table import encode, image_rows
from sgid.miniature.world import SHAPES, draw
from sgid.online import Online, unchanged
from sgid.training import History, encoded, fit_classifier, optimise, rate_share

RESNET = {
    "library": "timm",
    "name": "resnet18",
    "options": {
        "layers": [1, 1, 1, 1],
        "channels": [16, 32, 64, 64],
        "stem_type": "deep",
        "stem_width": 8,
        "zero_init_last": False,
        "output_stride": 8,
    },
    "exchange_after": "maxpool",
    "view": {"resize": 32, "crop": 32, "size": 32, "padding": 2, "mean": [0.5] * 3, "std": [0.25] * 3},
    "recipe": {
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "weight_decay": 5e-4,
        "epochs": 2,
        "batch_size": 16,
        "warmup": 0.1,
    },
}
PROBE = RESNET | {
    "train": "head",
    "view": RESNET["view"] | {"padding": 0, "flip": False},
    "recipe": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.0, "epochs": 4, "batch_size": 8},
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def drawn_set(count, *, seed=0):
    shapes = np.arange(count) % len(SHAPES)
    drawings = draw(np.random.default_rng(seed), count, target_share=0.0, shapes=shapes)
    labels = torch.from_numpy(drawings.fields["shape"])
    return TrainingSet(torch.from_numpy(drawings.images), labels, torch.zeros(count, dtype=torch.bool))


def table(ids, *, colour=0, side=8, source_ids=None):
    picture = encode(Image.new("RGB", (side, side), (colour, colour, colour)))
    rows = image_rows(ids, [picture] * len(ids), list(range(len(ids))))
    return rows if source_ids is None else rows.append_column("source_id", pa.array(source_ids))


def fit(entry, training_set, *, seed=1, online=None):
    chosen = Online.from_config(online or {})
    return fit_classifier(Backbone.from_config(entry), training_set, classes=len(SHAPES), seed=seed, online=chosen)


def parameters_of(model):
    return torch.cat([value.detach().double().flatten() for value in model.state_dict().values()])


def test_generated_images_are_appended_and_marked():
    both = compose_training_set(table(["a", "b"]), table(["g"], colour=9, source_ids=["b"]), size=8)
    assert both.images.shape == (3, 8, 8, 3)
    assert both.generated.tolist() == [False, False, True]
    assert both.images[2].unique().tolist() == [9]
    assert both.labels.tolist() == [0, 1, 0]


def test_pictures_are_decoded_to_the_size_of_the_view():
    assert compose_training_set(table(["a"], side=20), None, size=12).images.shape == (1, 12, 12, 3)


def test_held_out_images_are_absent_as_originals_and_as_sources():
    originals = table(["a", "b", "c"])
    generated = table(["g/a", "g/b", "g/c", "h/b"], colour=9, source_ids=["a", "b", "c", "b"])
    rest = compose_training_set(originals, generated, size=8, held_out={"b"})
    assert rest.labels.tolist() == [0, 2, 0, 2]
    assert rest.generated.tolist() == [False, False, True, True]


def test_validation_images_that_are_no_training_rows_are_held_out_too():
    generated = table(["g/a", "g/v"], source_ids=["a", "v"])
    assert len(compose_training_set(table(["a"]), generated, size=8, held_out={"v"})) == 2


def test_images_generated_from_anything_but_training_images_are_refused():
    with pytest.raises(ValueError, match=r"1 generated images come from no training image .*'test/7'"):
        compose_training_set(table(["a"]), table(["g"], source_ids=["test/7"]), size=8)


def test_an_unknown_mix_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"'replaced' is not defined \(have: append\)"):
        compose_training_set(table(["a"]), None, size=8, mix="replaced")


def test_an_unknown_online_transform_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"'cutmx'.*have: cutmix, moex, randaugment, random_erasing"):
        Online.from_config({"cutmx": {}})


def test_online_options_may_differ_for_small_images():
    options = {"moex": {"weight": 0.9, "small_images": {"weight": 0.5, "probability": 0.25}}}
    large, small = (Online.from_config(options, image_size=size).mixings[0] for size in (224, 32))
    assert (large.weight, large.probability) == (0.9, 0.5)
    assert (small.weight, small.probability) == (0.5, 0.25)


def test_the_same_seed_trains_the_same_bits_and_another_seed_does_not():
    online = {"randaugment": {}, "random_erasing": {}, "cutmix": {}, "moex": {}}
    networks = [fit(RESNET, drawn_set(40), seed=seed, online=online)[0] for seed in (1, 1, 2)]
    first, second, other = map(parameters_of, networks)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["randaugment", "random_erasing", "cutmix", "moex"])
def test_every_online_method_changes_what_is_learnt(name):
    plain, augmented = fit(RESNET, drawn_set(32)), fit(RESNET, drawn_set(32), online={name: {}})
    assert plain[1].train_loss != augmented[1].train_loss


def test_history_counts_epochs_and_steps_and_drops_no_picture():
    seen = []
    inputs, model = torch.arange(35.0).unsqueeze(1), torch.nn.Linear(1, 2)

    def watch(batch, targets, generated):
        seen.append(batch.flatten())
        return unchanged(batch, targets, generated)

    recipe = Recipe("sgd", learning_rate=1e-4, weight_decay=0.0, epochs=3, batch_size=16)
    targets = one_hot(torch.zeros(35, dtype=torch.long), 2).float()
    history = optimise(
        model, inputs, targets, torch.zeros(len(inputs), dtype=torch.bool), augment=watch, recipe=recipe, seed=0
    )
    assert (history.epochs, history.steps, len(history.train_loss)) == (3, 9, 3)
    assert [len(batch) for batch in seen[:3]] == [12, 12, 11]
    assert torch.cat(seen[:3]).sort().values.tolist() == list(range(35))
    assert isinstance(history, History)


def test_the_learning_rate_warms_up_and_falls_to_nothing_by_a_cosine():
    recipe = Recipe("sgd", learning_rate=1.0, weight_decay=0.0, epochs=1, batch_size=1, warmup=0.1)
    shares = [rate_share(step, 100, recipe) for step in range(101)]
    assert shares[:10] == sorted(shares[:10])
    assert shares[10] == max(shares) == 1
    assert shares[55] == pytest.approx(0.5)
    assert shares[100] == pytest.approx(0)


@pytest.mark.parametrize(("key", "legal"), [("optimizer", "adamw, sgd"), ("schedule", "cosine, constant")])
def test_unknown_names_in_a_recipe_name_the_legal_ones(key, legal):
    wrong = RESNET | {"recipe": RESNET["recipe"] | {key: "lamb", "warmup": 0.0}}
    with pytest.raises(ValueError, match=rf"{key} 'lamb' is not defined \(have: {legal}\)"):
        fit(wrong, drawn_set(16))


def test_a_loss_that_breaks_down_stops_the_run():
    wild = RESNET | {"recipe": RESNET["recipe"] | {"learning_rate": 1e30, "warmup": 0.0}}
    with pytest.raises(ValueError, match="lower the backbone's learning_rate"):
        fit(wild, drawn_set(16))


def test_a_probe_on_cached_features_equals_one_on_pixels():
    backbone, training_set = Backbone.from_config(PROBE), drawn_set(48)
    cached, history = fit(PROBE, training_set)
    uncached = build_backbone(backbone, len(SHAPES), weights_folder=None, seed=1)
    targets = one_hot(training_set.labels, len(SHAPES)).float()
    seen_as = encoded(uncached, backbone, training_set.images)
    values = (training_set.images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    torch.testing.assert_close(seen_as, uncached.features(values))
    again = optimise(
        uncached, values, targets, training_set.generated, augment=unchanged, recipe=backbone.recipe, seed=1
    )
    torch.testing.assert_close(parameters_of(cached), parameters_of(uncached), atol=1e-5, rtol=1e-4)
    assert again.train_loss == pytest.approx(history.train_loss, rel=1e-4)


def test_a_probe_with_an_online_method_still_leaves_its_encoder_alone():
    fresh = build_backbone(Backbone.from_config(PROBE), len(SHAPES), weights_folder=None, seed=1)
    trained, _ = fit(PROBE, drawn_set(24), online={"moex": {}})
    assert torch.equal(parameters_of(fresh.encoder), parameters_of(trained.encoder))
    assert not torch.equal(parameters_of(fresh.head), parameters_of(trained.head))


def test_a_tiny_network_learns_the_drawn_shapes():
    longer = RESNET | {"recipe": RESNET["recipe"] | {"epochs": 10}}
    model, history = fit(longer, drawn_set(240))
    test = drawn_set(200, seed=1)
    scores = evaluate(model, Backbone.from_config(longer), test.images, test.labels, class_names=list(SHAPES))
    assert history.train_loss[-1] < history.train_loss[0] / 2
    assert scores["accuracy"] > 40  # chance is 12.5
