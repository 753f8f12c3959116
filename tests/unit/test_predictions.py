"""Predictions say what a network says of each picture, are kept by its id, and are counted into the run's scores."""

import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch import nn

from sgid.backbones import Backbone, Classifier
from sgid.evaluation import scores_of
from sgid.image_table import encode, image_rows, read_metadata, write_table
from sgid.predictions import BATCH, Pictures, logits_of, predict, read_predictions, write_predictions

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
RUN = {"dataset": "world", "backbone": "tiny", "method": "re", "seed": 3}


class CountingMean(nn.Module):
    """Features are the mean of each colour channel; counts how often it is run."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return images.mean((2, 3))


def colour_reader(encoder=None, scale=1.0):
    """A network whose logits are the mean of each colour channel, times `scale`."""
    head = nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(scale * torch.eye(3))
    return Classifier(encoder or CountingMean(), head, frozen=False)


def pictures_of(labels, shown=None):
    """One picture a label, in the colour of `shown` where that differs."""
    labels, shown = torch.as_tensor(labels), torch.as_tensor(labels if shown is None else shown)
    images = torch.zeros(len(labels), 2, 2, 3, dtype=torch.uint8)
    images[torch.arange(len(labels)), :, :, shown] = 255
    return Pictures([f"test/{row:04d}" for row in range(len(labels))], images, labels)


def predicted(*arguments, **options):
    (table,) = predict([colour_reader(**options)], BACKBONE, pictures_of(*arguments))
    return table


def test_every_picture_has_a_row_that_says_what_it_is_and_what_was_seen():
    table = predicted([0, 1, 2], [0, 1, 1])
    assert table["image_id"].to_pylist() == ["test/0000", "test/0001", "test/0002"]
    assert (table["label"].to_pylist(), table["predicted"].to_pylist()) == ([0, 1, 2], [0, 1, 1])


def test_the_last_batch_is_predicted_too():
    labels = torch.arange(2 * BATCH + 1) % 3
    assert predicted(labels)["predicted"].to_pylist() == labels.tolist()


def test_probabilities_are_those_of_the_softmax():
    table = predicted([0, 2], [0, 1], scale=2.0)
    seen, other = torch.tensor([2.0, 0.0, 0.0]).softmax(0)[:2].tolist()
    assert table["probability"].to_pylist() == pytest.approx([seen, seen])
    assert table["probability_of_label"].to_pylist() == pytest.approx([seen, other])
    assert table.schema.field("probability").type == pa.float32()


def test_a_probability_is_the_labels_own_exactly_where_the_prediction_is_right():
    table = predicted([0, 1, 2, 0, 1], [0, 1, 1, 2, 1]).to_pandas()
    right = table["predicted"] == table["label"]
    assert (right == (table["probability"] == table["probability_of_label"])).all()


def test_a_network_in_training_mode_is_not_measured_so():
    model = colour_reader().train()
    predict([model], BACKBONE, pictures_of([0]))
    assert not model.training


def test_several_models_are_measured_each_by_itself():
    first, second = predict([colour_reader(), colour_reader(scale=-1.0)], BACKBONE, pictures_of([0, 1]))
    assert first["predicted"].to_pylist() == [0, 1]
    assert second["predicted"].to_pylist() == [1, 0]


def test_an_encoder_that_models_share_is_run_once_a_batch():
    encoder = CountingMean()
    models = [colour_reader(encoder, scale=scale) for scale in (1.0, 2.0, 3.0)]
    shared = logits_of(models, BACKBONE, pictures_of([0, 1, 2]).images)
    assert encoder.calls == 1
    assert [float(logits[0, 0]) for logits in shared] == [1.0, 2.0, 3.0]


def test_pictures_of_a_table_keep_their_ids_and_labels():
    encoded = [encode(Image.fromarray(image)) for image in pictures_of([0, 1, 2]).images.numpy()]
    pictures = Pictures.of(image_rows(["c", "a", "b"], encoded, [0, 1, 2]), size=2)
    (table,) = predict([colour_reader()], BACKBONE, pictures)
    assert table["image_id"].to_pylist() == ["c", "a", "b"]
    assert table["label"].to_pylist() == table["predicted"].to_pylist() == [0, 1, 2]


def written(tmp_path, table, name="run.parquet", **names):
    write_predictions(table, tmp_path / name, names=RUN | names, miniature=True)
    return tmp_path / name


def test_predictions_are_written_in_the_order_of_their_ids_and_read_back(tmp_path):
    table = predicted([0, 1, 2, 0], [0, 1, 1, 2])
    path = written(tmp_path, table.take([2, 0, 3, 1]))
    assert read_predictions(path).equals(table)


def test_a_picture_predicted_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'test/0000' occurs more than once"):
        written(tmp_path, predicted([0, 1]).take([0, 0]))


def test_the_file_says_which_run_it_is_of(tmp_path):
    metadata = read_metadata(written(tmp_path, predicted([0])))
    assert (metadata["predictions"], metadata["miniature"]) == (RUN, True)
    assert metadata["commit"]


def test_what_is_on_disk_counts_to_the_scores_of_the_run(tmp_path):
    table = predicted([0, 0, 1, 1, 2, 2, 2], [0, 1, 1, 1, 0, 2, 1])
    scores = scores_of(table, class_names=NAMES)
    kept = read_predictions(written(tmp_path, table)).to_pandas()
    right = kept["label"] == kept["predicted"]
    assert (scores["correct"], scores["accuracy"]) == (right.sum(), 100 * right.sum() / len(kept))
    by_class = right.groupby(kept["label"]).sum()
    assert [scores["confusion"][name][name] for name in NAMES] == by_class.tolist()


def test_two_runs_are_joined_picture_by_picture(tmp_path):
    runs = [predicted([0, 1, 2], [0, 1, 1]), predicted([0, 1, 2], [2, 1, 2]).take([2, 0, 1])]
    paths = [written(tmp_path, table, name=f"{seed}.parquet", seed=seed) for seed, table in enumerate(runs)]
    first, second = map(read_predictions, paths)
    both = first.join(second, "image_id", right_suffix="_of_second", join_type="inner").sort_by("image_id")
    assert both["label"].equals(both["label_of_second"])
    right = [a == b for a, b in zip(both["predicted"].to_pylist(), both["label"].to_pylist(), strict=True)]
    other = [a == b for a, b in zip(both["predicted_of_second"].to_pylist(), both["label"].to_pylist(), strict=True)]
    assert (right, other) == ([True, True, False], [False, True, True])


def test_a_table_of_anything_else_is_refused_by_name(tmp_path):
    write_table(image_rows(["a"], [b""], [0]), tmp_path / "images.parquet")
    with pytest.raises(ValueError, match=r"images\.parquet: holds no predictions \(columns image_id, image, label\)"):
        read_predictions(tmp_path / "images.parquet")


def test_a_file_that_is_no_table_is_refused_by_name(tmp_path):
    (tmp_path / "notes.parquet").write_text("accuracy 99")
    with pytest.raises(ValueError, match=r"notes\.parquet: not a readable Parquet table"):
        read_predictions(tmp_path / "notes.parquet")
