import numpy as np
import pytest
from PIL import Image

from sgid.datasets.duplicates import find_duplicates, report, signatures
from sgid.image_table import encode, image_rows

rng = np.random.default_rng(0)


def scene(seed: int) -> Image.Image:
    """A picture with structure at several scales, so that hashes of two scenes have nothing in common."""
    own = np.random.default_rng(seed)
    layers = [Image.fromarray(own.integers(0, 256, (k, k, 3), np.uint8)).resize((64, 64)) for k in (3, 6, 12)]
    return Image.fromarray(np.mean([np.asarray(layer, float) for layer in layers], axis=0).astype(np.uint8))


def of(*pictures: Image.Image, prefix: str = "", encoding: str = "png", label: int = 0):
    names = [f"{prefix}{i}" for i in range(len(pictures))]
    return signatures(image_rows(names, [encode(each, encoding) for each in pictures], [label] * len(pictures)))


SCENES = [scene(seed) for seed in range(30)]


def found(train, test, distance=8):
    return find_duplicates({"train": train, "test": test}, distance=distance)


def test_different_pictures_are_no_duplicates():
    assert found(of(*SCENES[:15], prefix="a"), of(*SCENES[15:], prefix="b")).empty


def test_equal_pixels_are_exact_whatever_the_encoding():
    rows = found(of(*SCENES, prefix="a"), of(SCENES[7], prefix="b"))
    assert rows[["kind", "image_id", "other_image_id", "bits"]].values.tolist() == [["exact", "a7", "b0", 0]]


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.resize((50, 50)).resize((64, 64)),
        lambda picture: picture.point(lambda value: min(255, value + 8)),
        lambda picture: Image.fromarray(
            (np.asarray(picture, int) + rng.integers(-6, 7, (64, 64, 3))).clip(0, 255).astype(np.uint8)
        ),
    ],
    ids=["rescaled", "brighter", "noisier"],
)
def test_a_picture_that_was_changed_a_little_is_near(change):
    rows = found(of(*SCENES, prefix="a"), of(change(SCENES[3]), prefix="b"))
    assert rows[["kind", "image_id"]].values.tolist() == [["near", "a3"]]


def test_a_recompressed_picture_is_near():
    rows = found(of(*SCENES, prefix="a"), of(SCENES[9], prefix="b", encoding="jpeg95"))
    assert rows[["kind", "image_id"]].values.tolist() == [["near", "a9"]]


def test_one_colour_and_another_are_no_duplicates_though_their_hashes_agree():
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    assert found(of(red, prefix="a"), of(blue, prefix="b")).empty


def test_a_held_out_picture_is_no_duplicate_of_itself_in_train():
    train = of(*SCENES[:4])
    assert find_duplicates({"train": train, "validation": train}, distance=8).empty


def test_labels_that_differ_are_counted():
    rows = found(of(SCENES[0], prefix="a", label=1), of(SCENES[0], prefix="b", label=2))
    text = report("shapes", rows, {"train": 1, "validation": 1, "test": 1}, distance=8)
    assert "| test | 1 | train | 1 | 0 | 1 |" in text
    assert "| validation | 1 | train | 0 | 0 | 0 |" in text


def test_a_test_picture_with_an_exact_and_a_near_double_counts_once_as_exact():
    brighter = SCENES[0].point(lambda value: min(255, value + 8))
    rows = found(of(SCENES[0], brighter, prefix="a"), of(SCENES[0], prefix="b"))
    assert rows["kind"].tolist() == ["exact", "near"]
    assert "| test | 1 | train | 1 | 0 | 0 |" in report("x", rows, {"train": 2, "validation": 0, "test": 1}, distance=8)
