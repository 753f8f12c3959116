"""CutMix and MoEx: exact label weights, exact moments, and nothing left behind."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from sgid.mixing import EPSILON, CutMix, MoEx, exchange_moments, positional_moments


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_class_each(count, side=16):
    """Pictures whose every pixel is their number, and one-hot targets of that number."""
    images = torch.arange(count).float().view(-1, 1, 1, 1).expand(-1, 3, side, side)
    return images, torch.eye(count)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), side=st.integers(5, 40), alpha=st.sampled_from([0.3, 1.0, 4.0]))
def test_cutmix_labels_weigh_exactly_as_pixels(seed, side, alpha):
    images, targets = one_class_each(8, side)
    with CutMix(probability=1.0, alpha=alpha)(images, targets, generator(seed), layer=nn.Identity()) as (mixed, soft):
        pixels = one_hot(mixed[:, 0].long().flatten(1), 8).float().mean(1)
    torch.testing.assert_close(soft, pixels, atol=1e-6, rtol=0)


def test_cutmix_changes_about_as_many_pictures_as_it_should():
    images, targets = one_class_each(500)
    with CutMix(probability=0.5)(images, targets, generator(), layer=nn.Identity()) as (mixed, _):
        changed = (mixed != images).flatten(1).any(1).sum()
    assert 190 < changed < 260  # a little under half: some rectangles are empty


def test_cutmix_draws_a_rectangle_for_each_picture():
    assert len(CutMix(probability=1.0).boxes(64, 32, 32, generator=generator()).unique(dim=0)) > 50


def test_cutmix_keeps_one_half_of_a_picture_on_average_before_the_border_cuts():
    box = CutMix(probability=1.0).boxes(4000, 200, 200, generator=generator())
    inside = (box[:, 0] > 0) & (box[:, 1] > 0) & (box[:, 2] < 200) & (box[:, 3] < 200)
    shares = ((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])).double() / 200**2
    assert 0 < shares[inside].mean() < shares.mean() < 0.5


@pytest.mark.parametrize("shape", [(6, 8, 5, 5), (6, 9, 8)])
def test_exchanged_features_carry_the_moments_of_the_partner(shape):
    features = torch.randn(shape, generator=generator()) * 3 + 1
    partners = torch.tensor([1, 2, 3, 4, 5, 0])
    mean, deviation = positional_moments(exchange_moments(features, partners))
    wanted_mean, wanted_deviation = positional_moments(features)
    torch.testing.assert_close(mean, wanted_mean[partners], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(deviation, wanted_deviation[partners], atol=1e-3, rtol=1e-3)


def test_moments_are_taken_over_channels_with_the_unbiased_variance():
    features = torch.randn(2, 7, 3, 3, generator=generator())
    mean, deviation = positional_moments(features)
    assert mean.shape == (2, 1, 3, 3)
    torch.testing.assert_close(mean[0, 0, 1, 2], features[0, :, 1, 2].mean())
    torch.testing.assert_close(deviation[0, 0, 1, 2] ** 2, features[0, :, 1, 2].var() + EPSILON)


def test_a_picture_that_is_its_own_partner_keeps_its_features():
    features = torch.randn(3, 8, 4, 4, generator=generator())
    torch.testing.assert_close(exchange_moments(features, torch.arange(3)), features, atol=1e-5, rtol=1e-5)


def test_moex_changes_features_inside_its_context_only():
    layer = nn.Conv2d(3, 8, 3)
    images, targets = torch.randn(16, 3, 8, 8, generator=generator()), torch.eye(16)
    plain = layer(images)
    with MoEx(probability=1.0)(images, targets, generator(1), layer=layer) as (same, _):
        assert torch.equal(same, images)
        assert not torch.allclose(layer(images), plain)
    assert torch.equal(layer(images), plain)


def test_moex_leaves_no_hook_behind_an_error():
    layer = nn.Identity()
    with pytest.raises(ZeroDivisionError), MoEx()(torch.ones(2, 3, 4, 4), torch.eye(2), generator(), layer=layer):
        raise ZeroDivisionError
    assert not layer._forward_hooks


def test_moex_labels_mix_at_its_weight_where_moments_are_exchanged():
    mixing = MoEx(probability=0.5, weight=0.9)
    partners = mixing.partners(200, generator=generator(4))
    with mixing(torch.ones(200, 3, 2, 2), torch.eye(200), generator(4), layer=nn.Identity()) as (_, soft):
        own = soft.diagonal()
    exchanged = partners != torch.arange(200)
    assert 70 < exchanged.sum() < 130
    torch.testing.assert_close(own[exchanged], torch.full((int(exchanged.sum()),), 0.9))
    torch.testing.assert_close(own[~exchanged], torch.ones(int((~exchanged).sum())))


def test_soft_targets_are_the_weighted_sum_of_two_losses():
    logits, targets = torch.randn(8, 8, generator=generator()), torch.eye(8)
    mixing = MoEx(probability=1.0, weight=0.7)
    partners = mixing.partners(8, generator=generator(2))
    with mixing(torch.ones(8, 3, 2, 2), targets, generator(2), layer=nn.Identity()) as (_, soft):
        mixed = cross_entropy(logits, soft)
    own, other = cross_entropy(logits, torch.arange(8)), cross_entropy(logits, partners)
    torch.testing.assert_close(mixed, 0.7 * own + 0.3 * other)


@pytest.mark.parametrize("mixing", [CutMix(), MoEx()])
def test_targets_still_sum_to_one_and_equal_seeds_give_equal_batches(mixing):
    images, targets = one_class_each(32)
    drawn = []
    for _ in range(2):
        with mixing(images, targets, generator(7), layer=nn.Identity()) as (mixed, soft):
            drawn.append((mixed, soft))
    torch.testing.assert_close(drawn[0][1].sum(1), torch.ones(32))
    assert all(torch.equal(first, second) for first, second in zip(*drawn, strict=True))
