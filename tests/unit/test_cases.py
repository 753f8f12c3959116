import numpy as np
import pytest

from sgid.cases import perturb_originals
from sgid.datasets.drawn import draw_split
from sgid.image_table import pixels_of

ONLINE = {"re": {"random_erasing": {}}, "cutmix": {"cutmix": {}}, "ra": {"randaugment": {}}}


@pytest.fixture(scope="module")
def originals():
    return draw_split("train", 12)


@pytest.fixture(scope="module")
def perturbed(originals):
    return perturb_originals(originals, ONLINE, size=32, base_seed=0)


def rows_of(table, method: str) -> np.ndarray:
    chosen = [index for index, name in enumerate(table["method"].to_pylist()) if name == method]
    return pixels_of(table.take(chosen), 32)


def test_every_original_has_a_picture_of_every_method(originals, perturbed):
    pairs = set(zip(perturbed["source_id"].to_pylist(), perturbed["method"].to_pylist(), strict=True))
    assert pairs == {(image_id, method) for image_id in originals["image_id"].to_pylist() for method in ONLINE}
    assert len(perturbed) == 3 * 12


def test_a_picture_is_named_after_its_original_and_method(perturbed):
    assert len(set(perturbed["image_id"].to_pylist())) == 3 * 12
    assert perturbed["image_id"][0].as_py() == "train/circle/00000/re"


def test_a_picture_keeps_the_label_of_its_original(originals, perturbed):
    assert perturbed["label"].to_pylist() == 3 * originals["label"].to_pylist()


@pytest.mark.parametrize("method", ["re", "cutmix"])
def test_what_training_does_with_a_probability_is_done_to_every_picture(originals, perturbed, method):
    changed = (rows_of(perturbed, method) != pixels_of(originals, 32)).any((1, 2, 3))
    # CutMix may draw a picture as its own partner or paste nothing; half would be training's probability.
    assert changed.mean() >= {"re": 1.0, "cutmix": 0.75}[method]


def test_a_probability_in_the_configuration_does_not_leave_pictures_alone(originals):
    never = perturb_originals(originals, {"re": {"random_erasing": {"probability": 0.0}}}, size=32, base_seed=0)
    assert (pixels_of(never, 32) != pixels_of(originals, 32)).any((1, 2, 3)).all()


def test_the_same_seed_perturbs_the_same(originals, perturbed):
    assert perturb_originals(originals, ONLINE, size=32, base_seed=0).equals(perturbed)


def test_another_seed_perturbs_otherwise(originals, perturbed):
    assert not perturb_originals(originals, ONLINE, size=32, base_seed=1).equals(perturbed)


def test_a_method_perturbs_the_same_whatever_stands_beside_it(originals, perturbed):
    alone = perturb_originals(originals, {"ra": ONLINE["ra"]}, size=32, base_seed=0)
    assert np.array_equal(rows_of(alone, "ra"), rows_of(perturbed, "ra"))


def test_a_method_that_does_nothing_shows_the_original(originals):
    plain = perturb_originals(originals, {"backbone": {}}, size=32, base_seed=0)
    assert np.array_equal(pixels_of(plain, 32), pixels_of(originals, 32))


def test_a_figure_without_perturbing_methods_has_an_empty_table(originals):
    nothing = perturb_originals(originals, {}, size=32, base_seed=0)
    assert len(nothing) == 0
    assert {"image_id", "image", "label", "source_id", "method"} <= set(nothing.column_names)
