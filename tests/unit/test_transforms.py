"""Base views, Random Erasing and RandAugment: each really changes pictures, each picture for itself."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from sgid.backbones import Backbone
from sgid.composition import TrainingSet
from sgid.mixing import CutMix, MoEx
from sgid.online import Online
from sgid.operations import OPERATIONS
from sgid.training import fit_classifier
from sgid.transforms import (
    RandAugment,
    RandomErasing,
    View,
    evaluation_view,
    random_crop,
    random_flip,
    training_view,
)

VIEW = View(resize=32, crop=32, size=32, padding=4, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=16, side=32):
    return torch.randint(256, (count, side, side, 3), generator=generator(9), dtype=torch.uint8)


def test_the_evaluation_view_is_the_normalised_centre():
    images = pictures(2, side=40)
    seen = evaluation_view(images, View(resize=40, crop=32, size=32, mean=VIEW.mean, std=VIEW.std))
    expected = (images[:, 4:36, 4:36, 1].float() / 255 - 0.4) / 0.3
    torch.testing.assert_close(seen[:, 1], expected)


def test_small_pictures_are_enlarged_to_what_the_network_sees():
    view = View(resize=32, crop=32, size=48, mean=VIEW.mean, std=VIEW.std)
    assert evaluation_view(pictures(2), view).shape == (2, 3, 48, 48)


def test_each_picture_is_cropped_at_its_own_place():
    same = pictures(1).expand(64, -1, -1, -1)
    crops = random_crop(same, 32, generator(), padding=4)
    assert len(crops.flatten(1).unique(dim=0)) > 32


def test_a_crop_is_a_window_of_the_padded_picture():
    image = pictures(1, side=8)
    padded = torch.nn.functional.pad(image, (0, 0, 2, 2, 2, 2))
    windows = [padded[:, top : top + 8, left : left + 8] for top in range(5) for left in range(5)]
    crop = random_crop(image, 8, generator(3), padding=2)
    assert any(torch.equal(crop, window) for window in windows)


def test_about_half_of_the_pictures_are_flipped():
    images = pictures(1).permute(0, 3, 1, 2).expand(400, -1, -1, -1)
    flipped = random_flip(images, generator())
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    untouched = (flipped == images).flatten(1).all(1)
    assert torch.all(mirrored ^ untouched)
    assert 150 < mirrored.sum() < 250


def test_a_view_without_randomness_is_fixed():
    fixed = View(resize=32, crop=32, size=32, flip=False, mean=VIEW.mean, std=VIEW.std)
    assert fixed.is_fixed
    assert not VIEW.is_fixed
    torch.testing.assert_close(training_view(pictures(), fixed, generator()), evaluation_view(pictures(), fixed))


def test_the_same_generator_draws_the_same_batch_and_leaves_the_global_state_alone():
    before = torch.random.get_rng_state()
    transforms = (RandAugment(), RandomErasing())
    first, second = (training_view(pictures(), VIEW, generator(5), transforms=transforms) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_training_with_everything_switched_on_leaves_every_global_state_alone(demo_config):
    backbone = Backbone.from_config(demo_config["backbones"]["resnet_tiny"])
    backbone = replace(backbone, recipe=replace(backbone.recipe, epochs=1, batch_size=8))
    online = Online.from_config({"random_erasing": {}, "randaugment": {}, "cutmix": {}, "moex": {}})
    marks = torch.zeros(16, dtype=torch.bool)
    training_set = TrainingSet(pictures(), torch.arange(16) % 2, generated=marks, origin=torch.arange(16))
    before = global_states()
    fit_classifier(backbone, training_set, classes=2, seed=0, online=online)
    assert global_states() == before


def global_states():
    """Of torch, NumPy and Python, so that they can be compared."""
    return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()


class Copies(TorchDispatchMode):
    """Whether each copy from one device to another makes the CPU wait."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.ops.aten._to_copy.default and kwargs.get("device") not in (None, args[0].device):
            self.waits.append(not kwargs.get("non_blocking"))
        return function(*args, **kwargs)


def test_a_batch_on_a_device_is_augmented_without_the_cpu_waiting_for_it():
    # A meta tensor has no values: to read one, as code does that waits for its device, is an error.
    images, targets = (part.to("meta") for part in (pictures(64), torch.eye(64)))
    layer, transforms = nn.Identity(), (RandAugment(), RandomErasing())
    with Copies() as copies:
        batch = training_view(images, VIEW, generator(), transforms=transforms)
        for mixing in (CutMix(), MoEx()):
            with mixing(batch, targets, generator(), layer=layer) as (batch, targets):
                layer(batch)
    assert batch.shape == (64, 3, 32, 32)
    assert len(copies.waits) > 10
    assert not any(copies.waits)


@pytest.mark.parametrize("transforms", [(), (RandAugment(),), (RandomErasing(),)])
def test_what_the_network_sees_is_in_its_memory_format(transforms):
    seen = training_view(pictures(), VIEW, generator(), transforms=transforms)
    assert seen.is_contiguous(memory_format=torch.channels_last)


def test_stored_pictures_are_left_as_they_are():
    images = pictures()
    training_view(images, VIEW, generator(), transforms=(RandAugment(), RandomErasing()))
    evaluation_view(images, VIEW)
    assert torch.equal(images, pictures())


def test_random_erasing_fills_a_rectangle_with_the_mean_colour():
    images = torch.ones(32, 3, 24, 24)
    erased = RandomErasing(probability=1.0)(images, generator()) == 0
    assert erased.flatten(1).any(1).all()
    assert torch.equal(erased[:, 0], erased[:, 2])


def test_random_erasing_spares_about_half_of_the_pictures():
    erased = RandomErasing()(torch.ones(600, 3, 16, 16), generator()) == 0
    assert 240 < erased.flatten(1).any(1).sum() < 360


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(16, 64), width=st.integers(16, 64))
def test_erased_rectangles_lie_inside_and_keep_to_area_and_aspect(seed, height, width):
    box = RandomErasing(probability=1.0).boxes(32, height, width, generator=generator(seed))
    top, left, bottom, right = box.unbind(1)
    assert torch.all((top >= 0) & (left >= 0) & (bottom <= height) & (right <= width))
    tall, wide = (bottom - top).double(), (right - left).double()
    # Sides are rounded to whole pixels: the exact sides lie within half a pixel of them.
    assert torch.all((tall + 0.5) * (wide + 0.5) >= 0.02 * height * width)
    assert torch.all((tall - 0.5) * (wide - 0.5) <= 0.4 * height * width)
    assert torch.all((tall - 0.5) / (wide + 0.5) <= 1 / 0.3)
    assert torch.all((tall + 0.5) / (wide - 0.5).clamp(min=1e-9) >= 0.3)


def test_erased_areas_spread_over_their_range():
    box = RandomErasing(probability=1.0).boxes(4000, 100, 100, generator=generator())
    share = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])).double() / 10_000
    assert share.min() < 0.03
    assert share.max() > 0.37
    # Wide and tall rectangles of a large area do not fit, so the mean lies a little below that of a uniform draw.
    assert 0.17 < share.mean() < 0.21


def test_randaugment_changes_each_picture_differently():
    same = pictures(1).permute(0, 3, 1, 2).expand(64, -1, -1, -1)
    changed = RandAugment()(same, generator())
    assert changed.dtype == torch.uint8
    assert len(changed.flatten(1).unique(dim=0)) > 32


def test_a_picture_does_not_depend_on_those_that_share_its_operation():
    images = pictures(12).permute(0, 3, 1, 2)
    augment = RandAugment()
    for name in OPERATIONS:
        alone = torch.cat([augment.applied(image[None], name) for image in images])
        assert torch.equal(augment.applied(images, name), alone), name


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "identity"])
def test_every_operation_is_alive(name):
    dull = (pictures(4).permute(0, 3, 1, 2) // 2 + 100).to(torch.uint8)
    assert not torch.equal(RandAugment().applied(dull, name), dull)
