"""Scores count every picture; run records carry what tables need."""

import json

import pytest
import torch
from PIL import Image
from torch import nn

from sgid.backbones import Backbone, Classifier
from sgid.composition import TrainingSet
from sgid.evaluation import BATCH, evaluate, evaluate_table, run_record
from sgid.image_table import encode, image_rows
from sgid.training import History

BACKBONE = Backbone.from_config(
    {
        "library": "timm",
        "name": "never built here",
        "exchange_after": "",
        "view": {"resize": 2, "crop": 2, "size": 2, "mean": [0.0] * 3, "std": [1.0] * 3},
        "recipe": {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0, "epochs": 2, "batch_size": 4},
    }
)
NAMES = ["red", "green", "blue"]


def colour_reader():
    """A network whose logits are the mean of each colour channel."""
    head = nn.Linear(3, 3, bias=False)
    nn.init.eye_(head.weight)
    return Classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), head, frozen=False)


def coloured(labels):
    images = torch.zeros(len(labels), 2, 2, 3, dtype=torch.uint8)
    images[torch.arange(len(labels)), :, :, labels] = 200
    return images


def test_the_last_batch_is_counted():
    labels = torch.arange(2 * BATCH + 1) % 3
    images = coloured(labels)
    images[-1] = 0
    images[-1, :, :, (labels[-1] + 1) % 3] = 200
    scores = evaluate(colour_reader(), BACKBONE, images, labels, class_names=NAMES)
    assert (scores["test_images"], scores["correct"]) == (2 * BATCH + 1, 2 * BATCH)
    assert scores["accuracy"] == 100 * 2 * BATCH / (2 * BATCH + 1)


def test_accuracy_by_class_is_of_the_pictures_of_that_class():
    images, labels = coloured(torch.tensor([0, 0, 1, 1])), torch.tensor([0, 0, 1, 0])
    scores = evaluate(colour_reader(), BACKBONE, images, labels, class_names=NAMES)
    assert scores["per_class_accuracy"] == {"red": pytest.approx(200 / 3), "green": 100.0}
    assert scores["accuracy"] == 75.0


def test_an_untrained_mode_is_not_measured():
    model = colour_reader().train()
    evaluate(model, BACKBONE, coloured(torch.tensor([0])), torch.tensor([0]), class_names=NAMES)
    assert not model.training


def test_a_table_is_evaluated_row_by_row():
    pictures = [encode(Image.fromarray(image)) for image in coloured(torch.tensor([0, 1, 2])).numpy()]
    scores = evaluate_table(colour_reader(), BACKBONE, image_rows(list("abc"), pictures, [0, 1, 1]), class_names=NAMES)
    assert scores["correct"] == 2


def test_a_run_record_says_what_was_trained_and_is_plain_json():
    training_set = TrainingSet(coloured(torch.zeros(6, dtype=torch.long)), torch.zeros(6), torch.arange(6) >= 4)
    record = run_record(
        {"dataset": "world", "backbone": "tiny", "method": "sgid", "seed": 3},
        {"accuracy": 75.0, "correct": 3, "test_images": 4, "per_class_accuracy": {}},
        training_set,
        History(epochs=2, steps=6, seconds=0.5, train_loss=[1.5, 1.0]),
        image_set={"recipe": "sgid", "noise_rate": "0.5"},
        miniature=True,
        device="cpu",
    )
    assert json.loads(json.dumps(record)) == record
    assert (record["train_images"], record["generated_images"]) == (6, 2)
    assert (record["recipe"], record["noise_rate"], record["seed"]) == ("sgid", "0.5", 3)
    assert record["curves"] == {"epoch": [1, 2], "train_loss": [1.5, 1.0]}
    assert record["images_per_second"] == 24.0
    assert record["miniature"] is True
    assert "commit" in record["provenance"]


def test_a_run_without_generated_images_has_no_recipe():
    training_set = TrainingSet(torch.zeros(2, 2, 2, 3), torch.zeros(2), torch.zeros(2, dtype=torch.bool))
    history = History(epochs=1, steps=1, seconds=1.0, train_loss=[0.5])
    record = run_record({}, {}, training_set, history, image_set=None, miniature=False, device="cpu")
    assert (record["recipe"], record["noise_rate"], record["generated_images"]) == (None, None, 0)
