"""What a method does to a batch: to which pictures, from which options, and the same whatever the others are."""

import pytest
import torch
from torch import nn

from sgid.online import Augmentation, Online
from sgid.transforms import View

STILL = View(resize=32, crop=32, size=32, flip=False, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
# Each changes every picture that it is for.
CERTAIN = {"randaugment": {"operations": 6, "magnitude": 15}, "random_erasing": {"probability": 1.0}}


def pictures(count=64):
    return torch.randint(256, (count, 32, 32, 3), generator=torch.Generator().manual_seed(9), dtype=torch.uint8)


def seen(online, *, generated, seed=3):
    augment = Augmentation(STILL, Online.from_config(online), nn.Identity(), seed=seed)
    with augment(pictures(len(generated)), torch.eye(len(generated)), generated) as (batch, _):
        return batch


def half(count=64):
    return torch.arange(count) % 2 == 0


def changed(online, *, generated):
    """bool (B,): which pictures are not as the plain view shows them."""
    return (seen(online, generated=generated) != seen({}, generated=generated)).flatten(1).any(1)


def test_an_unknown_online_transform_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"'cutmx'.*have: cutmix, moex, randaugment, random_erasing"):
        Online.from_config({"cutmx": {}})


def test_online_options_may_differ_for_small_images():
    options = {"moex": {"weight": 0.9, "small_images": {"weight": 0.5, "probability": 0.25}}}
    large, small = (Online.from_config(options, image_size=size).mixings[0] for size in (224, 32))
    assert (large.weight, large.probability) == (0.9, 0.5)
    assert (small.weight, small.probability) == (0.5, 0.25)


@pytest.mark.parametrize("name", CERTAIN)
@pytest.mark.parametrize(("only", "touched"), [("generated", half()), ("originals", ~half())])
def test_a_transform_for_some_pictures_leaves_the_others_untouched(name, only, touched):
    found = changed({name: CERTAIN[name] | {"only": only}}, generated=half())
    assert not found[~touched].any()
    assert found[touched].double().mean() > 0.9  # RandAugment may draw the identity six times, or undo itself


@pytest.mark.parametrize("name", CERTAIN)
def test_a_transform_for_all_pictures_is_the_default(name):
    everywhere = [seen({name: CERTAIN[name] | only}, generated=half()) for only in ({}, {"only": "all"})]
    assert torch.equal(*everywhere)
    assert changed({name: CERTAIN[name]}, generated=half())[~half()].double().mean() > 0.9


@pytest.mark.parametrize("name", CERTAIN)
def test_a_picture_is_augmented_alike_whichever_others_are_generated(name):
    online = {name: CERTAIN[name] | {"only": "generated"}}
    some, all_of_them = (seen(online, generated=generated) for generated in (half(), torch.ones(64, dtype=torch.bool)))
    assert torch.equal(some[half()], all_of_them[half()])


def test_what_follows_a_transform_for_some_draws_as_if_it_were_for_all():
    online = {"randaugment": CERTAIN["randaugment"] | {"only": "generated"}, "random_erasing": {"probability": 1.0}}
    nobody, everybody = (seen(online, generated=torch.full((64,), value)) for value in (False, True))
    boxes = [(batch == 0).all(1) for batch in (nobody, everybody)]
    assert ((boxes[0] == boxes[1]).double().mean()) > 0.99  # a pixel that RandAugment makes the mean colour apart


@pytest.mark.parametrize("name", ["cutmix", "moex"])
def test_a_mixing_of_two_pictures_is_for_all(name):
    with pytest.raises(
        ValueError, match=rf"{name} joins two pictures .* no `only` \(as random_erasing, randaugment have\)"
    ):
        Online.from_config({name: {"only": "generated"}})


def test_an_unknown_choice_of_pictures_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"`only: drawn` is not defined \(have: all, generated, originals\)"):
        Online.from_config({"randaugment": {"only": "drawn"}})
