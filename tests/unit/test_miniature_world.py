import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgid.miniature import world
from sgid.miniature.fit import draw_pool
from sgid.miniature.sentences import RECIPE

SEEDS = st.integers(0, 2**63 - 1)


def drawn(seed: int = 0, count: int = 64, target_share: float = 0.0, **options) -> world.Drawings:
    return world.draw(np.random.default_rng(seed), count, target_share=target_share, **options)


def every_shape(seed: int) -> world.Drawings:
    return drawn(seed, count=32, shapes=np.arange(32) % len(world.SHAPES))


@settings(max_examples=10)
@given(SEEDS, st.floats(0, 1))
def test_the_same_seed_draws_the_same_pictures(seed, share):
    one, two = (drawn(seed, count=16, target_share=share) for _ in range(2))
    assert np.array_equal(one.images, two.images)
    assert all(np.array_equal(one.fields[name], two.fields[name]) for name in world.FIELDS)


@settings(max_examples=10)
@given(SEEDS)
def test_another_seed_draws_other_pictures(seed):
    assert not np.array_equal(drawn(seed, count=4).images, drawn(seed + 1, count=4).images)


def test_pictures_are_bytes_and_masks_are_shares():
    drawings = drawn()
    assert (drawings.images.dtype, drawings.images.shape) == (np.uint8, (64, 32, 32, 3))
    assert (drawings.masks.dtype, drawings.masks.shape) == (np.float32, (64, 32, 32))
    assert drawings.masks.min() == 0
    assert drawings.masks.max() == 1


@settings(max_examples=25)
@given(SEEDS)
def test_every_shape_covers_a_fair_part_of_its_circle(seed):
    drawings = every_shape(seed)
    low, high = np.array([world.RADIUS[name] for name in world.SCALES])[drawings.fields["scale"]].T
    area = drawings.masks.sum((1, 2))
    assert (area > 0.2 * np.pi * low**2).all()
    assert (area < 1.05 * np.pi * high**2).all()


@settings(max_examples=25)
@given(SEEDS)
def test_every_shape_stays_inside_the_picture(seed):
    scales, shapes = np.arange(32) % 2, np.arange(32) // 4
    geometry = world.random_geometry(np.random.default_rng(seed), scales)
    whole = world.shape_masks(shapes, geometry).sum((1, 2))
    centred = geometry | {"x": np.full(32, world.SIZE / 2), "y": np.full(32, world.SIZE / 2)}
    # A pixel's coverage is clipped at its border, so the sum depends a little on where the shape lies.
    assert np.abs(whole / world.shape_masks(shapes, centred).sum((1, 2)) - 1).max() < 0.03


@settings(max_examples=25)
@given(SEEDS)
def test_a_large_shape_is_larger_than_a_small_one(seed):
    drawings = drawn(seed, count=64, shapes=np.zeros(64, int))
    area, large = drawings.masks.sum((1, 2)), drawings.fields["scale"] == 1
    assert area[~large].max(initial=0) < area[large].min(initial=np.inf)


@pytest.mark.parametrize("shape", world.SHAPES)
def test_a_shape_has_the_colour_it_is_said_to_have(shape):
    drawings = drawn(count=40, shapes=np.full(40, world.SHAPES.index(shape)))
    for index in range(40):
        inside = drawings.images[index][drawings.masks[index] == 1]
        assert np.abs(inside.mean(0) - world.COLOURS[drawings.words(index)["colour"]]).max() < 40


def test_the_background_is_lighter_than_the_shape():
    drawings = drawn(count=200)
    gray, inside, outside = drawings.images.mean(-1), drawings.masks == 1, drawings.masks == 0
    assert all(gray[i][inside[i]].mean() + 20 < gray[i][outside[i]].mean() for i in range(200))


def test_a_plain_background_has_one_colour():
    drawings = drawn(count=100)
    plain = drawings.fields["pattern"] == world.PATTERNS.index("plain")
    flat = [np.ptp(drawings.images[i][drawings.masks[i] == 0], axis=0).max() == 0 for i in range(100)]
    assert np.array_equal(flat, plain)


def test_shapes_can_be_given():
    shapes = np.arange(24) % 8
    assert np.array_equal(drawn(count=24, shapes=shapes).fields["shape"], shapes)


def test_every_value_of_every_field_is_drawn():
    drawings = drawn(count=500)
    assert {n: set(drawings.fields[n]) for n in world.FIELDS} == {
        n: set(range(len(v))) for n, v in world.FIELDS.items()
    }


def test_words_name_the_fields_of_a_picture():
    drawings = drawn()
    words = drawings.words(3)
    assert {name: world.FIELDS[name].index(word) for name, word in words.items()} == {
        name: drawings.fields[name][3] for name in world.FIELDS
    }


def test_the_target_style_is_another_picture_of_the_same_scene():
    web, target = drawn(target_share=0.0), drawn(target_share=1.0)
    assert np.array_equal(web.masks, target.masks)
    assert (np.abs(web.images.astype(int) - target.images).mean((1, 2, 3)) > 5).all()


def test_the_target_style_is_noisy_where_the_web_style_is_flat():
    web, target = drawn(count=200), drawn(count=200, target_share=1.0)
    plain = web.fields["pattern"] == world.PATTERNS.index("plain")
    spread = [[images[i][web.masks[i] == 0].std(0).mean() for i in np.flatnonzero(plain)] for images in
              (web.images, target.images)]  # fmt: skip
    assert max(spread[0]) == 0
    assert min(spread[1]) > 8


def test_a_share_of_the_pictures_is_in_target_style():
    web, mixed = drawn(count=400), drawn(count=400, target_share=0.3)
    assert 0.2 < (web.images != mixed.images).any((1, 2, 3)).mean() < 0.4


def test_models_of_different_seeds_see_different_corpora():
    one, two = (draw_pool(dataclasses.replace(RECIPE, pool=50, seed=seed)).images for seed in (11, 12))
    assert {image.tobytes() for image in one}.isdisjoint(image.tobytes() for image in two)
