"""From real archives to a tested classifier: loader, image table, training set, a few steps, predictions."""

import math
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from dev_archives import DATA, NAMES, needs_dev, prepared, registry_of
from drawn_sets import drawn_row, with_pictures

from sgid.backbones import Backbone, build_backbone
from sgid.composition import compose_training_set
from sgid.dataset_registry import DatasetRegistry
from sgid.datasets import prepare, request_of
from sgid.evaluation import scores_of
from sgid.online import Online
from sgid.predictions import Pictures, predict
from sgid.training import fit_classifier

CIFAR = DATA / "cifar10_full_jpeg.tar.gz"
PER_CLASS = {"train": 12, "test": 4}
EVERYTHING = {"random_erasing": {}, "randaugment": {}, "cutmix": {}, "moex": {}}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def backbone(demo_config) -> Backbone:
    """The demo's tiny ResNet, for one epoch."""
    tiny = Backbone.from_config(demo_config["backbones"]["resnet_tiny"])
    return replace(tiny, recipe=replace(tiny.recipe, epochs=1, batch_size=32))


def numbered_anew(tables: dict[str, pa.Table]) -> tuple[dict[str, pa.Table], list[int]]:
    """The tables with those classes only that train has pictures of, numbered from 0, and their old numbers."""
    kept = sorted(set(tables["train"]["label"].to_pylist()))
    return {split: with_labels(table, kept) for split, table in tables.items()}, kept


def with_labels(table: pa.Table, kept: list[int]) -> pa.Table:
    some = table.filter(pc.is_in(table["label"], value_set=pa.array(kept, table["label"].type)))
    labels = pa.array([kept.index(label) for label in some["label"].to_pylist()], table["label"].type)
    return some.set_column(some.column_names.index("label"), "label", labels)


def drawn_from(originals: pa.Table) -> pa.Table:
    """A picture of plain colour in place of what a generator makes of each original."""
    rows = zip(originals["image_id"].to_pylist(), originals["label"].to_pylist(), strict=True)
    return with_pictures([drawn_row(image_id, label) for image_id, label in rows])


def trained_and_tested(tables: dict[str, pa.Table], names: list[str], backbone: Backbone) -> dict:
    """Train with every online transform on originals and as many generated images; the scores on the test images."""
    size = backbone.view.resize
    training_set = compose_training_set(
        tables["train"], drawn_from(tables["train"]), size=size, classes=len(names), training={"mix": "append"}
    )
    assert training_set.images.shape == (2 * len(tables["train"]), size, size, 3)
    online = Online.from_config(EVERYTHING, image_size=size)
    model, history = fit_classifier(backbone, training_set, classes=len(names), seed=0, online=online)
    assert history.steps == math.ceil(len(training_set) / backbone.recipe.batch_size)
    assert all(map(math.isfinite, history.train_loss))
    untrained = build_backbone(backbone, len(names), weights_folder=None, seed=0)
    assert not torch.equal(model.head.weight, untrained.head.weight)
    predictions = predict([model], backbone, Pictures.of(tables["test"], size=size))[0]
    assert predictions["image_id"].to_pylist() == tables["test"]["image_id"].to_pylist()
    return scores_of(predictions, class_names=names)


@needs_dev
@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_is_trained_and_tested_on_each_real_set(name, backbone, tmp_path):
    data = prepared(name, registry_of(tmp_path), tmp_path)
    # The small archives lack most classes of the whole ones.
    tables, kept = numbered_anew({split: data.table(split) for split in ("train", "test")})
    names = [data.names[label] for label in kept]
    scores = trained_and_tested(tables, names, backbone)
    assert scores["test_images"] == len(tables["test"]) > 0
    assert set(scores["per_class_accuracy"]) <= set(names)
    assert 0 <= scores["accuracy"] <= 100


@needs_dev
def test_a_real_set_with_classes_without_a_picture_is_refused(tmp_path):
    data = prepared("pets", registry_of(tmp_path), tmp_path)
    with pytest.raises(ValueError, match="class"):
        compose_training_set(data.table("train"), None, size=32, classes=len(data.names))


def unpack(folder: Path) -> None:
    """The first images of each class and split of the CIFAR-10 JPEG copy, in its own folders."""
    with tarfile.open(CIFAR) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.suffix == ".jpg" and int(path.stem) < PER_CLASS[path.parts[0]]:
                archive.extract(member, folder, filter="data")


@pytest.mark.skipif(not CIFAR.is_file(), reason=f"the CIFAR-10 JPEG copy {CIFAR} is not here")
def test_a_classifier_is_trained_and_tested_on_the_jpeg_copy_of_cifar10(backbone, tmp_path):
    unpack(tmp_path / "cifar10")
    entry = {"title": "CIFAR-10", "source": "folder", "folder": str(tmp_path / "cifar10"), "split": "given"}
    entry |= {"validation": 0.1, "resolution": 512, "stored": None, "image_size": 32}
    entry |= DatasetRegistry({"copy": entry}).contents("copy")
    request = request_of(entry, files={}, split_files=[], names=[], seed=0)
    data = prepare("copy", entry, request, workspace=tmp_path)
    assert {split: len(data.parts[split]) for split in PER_CLASS} == {"train": 120, "test": 40}
    scores = trained_and_tested({split: data.table(split) for split in PER_CLASS}, data.names, backbone)
    assert list(scores["per_class_accuracy"]) == data.names
