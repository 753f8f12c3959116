"""RandAugment, Random Erasing, CutMix and MoEx against torchvision, timm, and slow versions after their authors' code.

Distributions are compared by tests of significance at fixed seeds: a right implementation passes at p > 0.001.
"""

import contextlib
import math
import random
from collections import Counter

import numpy as np
import pytest
import timm.data.random_erasing
import torch
from scipy.stats import chi2_contingency, chisquare, ks_2samp, kstest
from torch import nn
from torchvision.transforms import RandAugment as PillowRandAugment
from torchvision.transforms import v2
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from sgid.mixing import EPSILON, CutMix, MoEx, beta_draws, exchange_moments
from sgid.operations import OPERATIONS
from sgid.transforms import RandAugment, RandomErasing

LIKELY = 0.001
KINDS = [(name, sign) for name, operation in OPERATIONS.items() for sign in (1, -1)[: 1 + operation.signed]]
# The fourteen operations are equally likely, and so are two signs.
SHARES = [1 / 28 if OPERATIONS[name].signed else 1 / 14 for name, _ in KINDS]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@contextlib.contextmanager
def global_seed(seed=0):
    """The references draw from the global generators of torch and Python."""
    state = random.getstate()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random.seed(seed)
        yield
    random.setstate(state)


def picture(height=32, width=32):
    """uint8 (1, 3, H, W), smooth; no operation leaves it alone, not even autocontrast."""
    coarse = torch.randint(40, 200, (1, 3, 6, 6), generator=generator(9)).float()
    return nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(10, 240).to(torch.uint8)


def every_kind(image, magnitude=9):
    """What each operation with each sign makes of one picture (1, 3, H, W), uint8 (23, 3, H, W)."""
    augment = RandAugment(magnitude=magnitude)
    return torch.cat([augment.applied(image, name, sign=sign) for name, sign in KINDS])


def pixels(image):
    return image.numpy().tobytes()


# RandAugment


@pytest.mark.parametrize("magnitude", [0, 2, 3, 9, 14, 20, 30])
@pytest.mark.parametrize("shape", [(32, 32), (31, 45)])
def test_operations_are_torchvisions_at_any_magnitude(shape, magnitude):
    image, theirs = picture(*shape), v2.RandAugment(num_ops=1, magnitude=magnitude)
    with global_seed():
        drawn = {pixels(theirs(image)) for _ in range(300)}
    assert drawn == set(map(pixels, every_kind(image, magnitude)))


def test_a_translation_by_a_whole_number_of_pixels_is_not_cut_off():
    # 150/331 of 331 pixels is 150, and in double precision a little less.
    image = picture(331, 331)
    for name, move in {"translate_x": [150, 0], "translate_y": [0, 150]}.items():
        theirs = v2.functional.affine(image, angle=0.0, translate=move, scale=1.0, shear=[0.0, 0.0])
        assert torch.equal(RandAugment(magnitude=30).applied(image, name), theirs)


@pytest.mark.parametrize("side", [32, 224])
def test_nearly_every_pixel_is_within_two_grey_levels_of_what_pillow_makes(side):
    image, theirs = picture(side, side), PillowRandAugment(num_ops=1)
    ours, pillow = every_kind(image).int(), to_pil_image(image[0])
    with global_seed():
        drawn = {pixels(each): each for each in (pil_to_tensor(theirs(pillow)) for _ in range(150))}
    assert len(drawn) == 23
    for each in drawn.values():
        close = ((ours - each.int()).abs() <= 2).float().flatten(1).mean(1)
        assert close.max() >= 0.99


def test_operations_and_signs_come_as_often_as_in_torchvision():
    image, theirs = picture(16, 16), v2.RandAugment(num_ops=1, magnitude=9)
    known = list(map(pixels, every_kind(image)))
    assert len(set(known)) == 23
    mine = list(map(pixels, RandAugment(operations=1)(image.expand(3000, -1, -1, -1), generator())))
    with global_seed():
        other = [pixels(theirs(image)) for _ in range(3000)]
    counts = np.array([[drawn.count(kind) for kind in known] for drawn in (mine, other)])
    assert counts.sum() == 6000
    assert chi2_contingency(counts).pvalue > LIKELY
    assert chisquare(counts[0], 3000 * np.array(SHARES)).pvalue > LIKELY


def test_two_operations_are_drawn_independently_and_applied_in_turn():
    image, expected = picture(12, 12), Counter()
    for first, share in zip(every_kind(image), SHARES, strict=True):
        for second, other in zip(every_kind(first[None]), SHARES, strict=True):
            expected[pixels(second)] += 6000 * share * other  # different pairs may make the same picture
    drawn = Counter(map(pixels, RandAugment(operations=2)(image.expand(6000, -1, -1, -1), generator(1))))
    assert drawn.keys() <= expected.keys()
    assert chisquare([drawn[each] for each in expected], list(expected.values())).pvalue > LIKELY


# Random Erasing


def our_boxes(erasing, count, height, width, *, seed=0):
    """Top, left, height and width of the rectangles of those pictures that were not spared, int (N, 4)."""
    boxes = erasing.boxes(count, height, width, generator=generator(seed)).numpy()
    boxes = boxes[boxes[:, 2] > boxes[:, 0]]
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def authors_boxes(count, height, width, *, seed=0):
    """After zhunzhong07/Random-Erasing: rectangles until one fits, the aspect uniform and not log-uniform."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        if draw.uniform(0, 1) > 0.5:
            continue
        for _ in range(100):
            area = draw.uniform(0.02, 0.4) * height * width
            aspect = draw.uniform(0.3, 1 / 0.3)
            tall, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if tall < height and wide < width:
                found.append((draw.randint(0, height - tall), draw.randint(0, width - wide), tall, wide))
                break
    return np.array(found)


def erased_boxes(images):
    """Top, left, height and width of the zeros in each of (B, 3, H, W), for those that have any, int (N, 4)."""
    found = []
    for mask in images[:, 0] == 0:
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        if len(rows):
            found.append((int(rows[0]), int(columns[0]), len(rows), len(columns)))
    return np.array(found)


def shapes_and_places(boxes, height, width):
    """Area, aspect, and how far down and to the right in the room that is left, each (N,)."""
    top, left, tall, wide = boxes.T
    return {"area": tall * wide, "aspect": tall / wide, "down": top / (height - tall), "right": left / (width - wide)}


@pytest.mark.parametrize("shape", [(100, 100), (40, 72)])
def test_rectangles_are_distributed_as_the_authors(shape):
    mine, theirs = our_boxes(RandomErasing(), 20_000, *shape), authors_boxes(20_000, *shape)
    assert abs(len(mine) - len(theirs)) < 370  # 3.7 standard deviations of the difference
    ours, other = (shapes_and_places(boxes, *shape) for boxes in (mine, theirs))
    for name, values in ours.items():
        assert ks_2samp(values, other[name]).pvalue > LIKELY, name


def torchvisions(images):
    erase = v2.RandomErasing(p=0.5, scale=(0.02, 0.25), ratio=(0.3, 1 / 0.3))
    return torch.stack([erase(image) for image in images])


def timms(images):
    options = {"probability": 0.5, "min_area": 0.02, "max_area": 0.25, "min_aspect": 0.3, "device": "cpu"}
    return timm.data.random_erasing.RandomErasing(**options)(images.clone())


@pytest.mark.parametrize("reference", [torchvisions, timms])
def test_as_many_pictures_lose_areas_as_large_as_with_torchvision_and_timm(reference):
    images = torch.ones(2000, 3, 48, 48)
    with global_seed():
        theirs = erased_boxes(reference(images))
    # Below a quarter of the picture every rectangle fits, so the law of the aspect has no bearing on the area.
    mine = erased_boxes(RandomErasing(area=(0.02, 0.25))(images, generator()))
    assert abs(len(mine) - len(theirs)) < 110  # 3.5 standard deviations of the difference
    ours, other = (shapes_and_places(boxes, 48, 48) for boxes in (mine, theirs))
    for name in ("area", "down", "right"):
        assert ks_2samp(ours[name], other[name]).pvalue > LIKELY, name
    # Theirs is log-uniform, with as many tall rectangles as wide ones; the authors' is uniform, with more tall ones.
    assert ks_2samp(ours["aspect"], other["aspect"]).pvalue < 1e-9


# CutMix


def one_class_each(count, side=32):
    """Pictures whose every pixel is their number, and one-hot targets of that number."""
    return torch.arange(count).float().view(-1, 1, 1, 1).expand(-1, 3, side, side), torch.eye(count)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0])
def test_shares_are_drawn_from_the_beta_distribution(alpha):
    assert kstest(beta_draws(alpha, 20_000, generator()).numpy(), "beta", args=(alpha, alpha)).pvalue > LIKELY


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_rectangles_and_label_weights_are_distributed_as_torchvisions(alpha):
    images, _ = one_class_each(2)
    theirs, weights = v2.CutMix(alpha=alpha, num_classes=2), []
    with global_seed():
        for _ in range(1500):
            mixed, soft = theirs(images, torch.arange(2))
            weights.append((float(soft[0, 0]), *pasted(mixed[0, 0], other=1)))
    many = torch.zeros(1500, 3, 32, 32)
    with CutMix(probability=1.0, alpha=alpha)(many, torch.eye(1500), generator(), layer=nn.Identity()) as (_, soft):
        kept = soft.diagonal().numpy()
    other, *places = np.array(weights).T
    boxes = CutMix(probability=1.0, alpha=alpha).boxes(1500, 32, 32, generator=generator(1))
    areas = boxes[(boxes[:, 2:] > boxes[:, :2]).all(1)].T.numpy()
    assert ks_2samp(kept, other).pvalue > LIKELY
    for edge, reference in zip(areas, places, strict=True):
        assert ks_2samp(edge, reference[~np.isnan(reference)]).pvalue > LIKELY


def pasted(channel, *, other):
    """Top, left, bottom and right (exclusive) of the pixels of another picture; not-a-number where there are none."""
    rows, columns = (channel == other).any(1).nonzero(), (channel == other).any(0).nonzero()
    if not len(rows):
        return (math.nan,) * 4
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def test_a_rectangle_comes_from_the_same_place_of_its_partner():
    images, mixing = torch.rand(24, 3, 10, 14, generator=generator()), CutMix(probability=0.7)
    with mixing(images, torch.eye(24), generator(5), layer=nn.Identity()) as (mixed, soft):
        pass
    changed = 0
    for own, row in enumerate(soft):
        partner = max((index for index in range(24) if index != own), key=lambda index, row=row: float(row[index]))
        from_own = from_partner = 0
        for y in range(10):
            for x in range(14):
                if torch.equal(mixed[own, :, y, x], images[own, :, y, x]):
                    from_own += 1
                else:
                    assert torch.equal(mixed[own, :, y, x], images[partner, :, y, x])
                    from_partner += 1
        assert float(row[own]) == pytest.approx(from_own / 140, abs=1e-6)
        assert float(row.sum()) == pytest.approx(1, abs=1e-6)
        changed += from_partner > 0
    assert changed > 8


# MoEx


def slow_exchange(features, partners):
    """After Boyiliee/MoEx: picture by picture and position by position; `features` (B, positions, C)."""
    rows = []
    for own, partner in zip(features, partners.tolist(), strict=True):
        exchanged = []
        for mine, theirs in zip(own, features[partner], strict=True):
            mean, wanted_mean = mine.sum() / len(mine), theirs.sum() / len(theirs)
            variance = ((mine - mean) ** 2).sum() / (len(mine) - 1)
            wanted = ((theirs - wanted_mean) ** 2).sum() / (len(theirs) - 1)
            exchanged.append((mine - mean) / (variance + EPSILON).sqrt() * (wanted + EPSILON).sqrt() + wanted_mean)
        rows.append(torch.stack(exchanged))
    return torch.stack(rows)


def positions(features):
    """(B, positions, C), of a convolution's (B, C, H, W) or a transformer's tokens."""
    return features.flatten(2).transpose(1, 2) if features.ndim == 4 else features


@pytest.mark.parametrize("shape", [(5, 8, 3, 4), (5, 7, 8)])
def test_exchanged_features_are_those_of_the_slow_version(shape):
    # So small that the constant beside the variance counts, and with it whether the variance is unbiased.
    features = torch.randn(shape, generator=generator(), dtype=torch.float64) / 100 + 0.05
    partners = torch.tensor([2, 0, 1, 3, 0])
    expected = slow_exchange(positions(features), partners)
    torch.testing.assert_close(positions(exchange_moments(features, partners)), expected, atol=1e-12, rtol=1e-9)
    single = positions(exchange_moments(features.float(), partners))
    torch.testing.assert_close(single.double(), expected, atol=1e-6, rtol=1e-5)


def test_gradients_flow_through_the_partners_moments_too():
    features, partners = torch.randn(4, 6, 2, 2, generator=generator()), torch.tensor([1, 2, 3, 0])
    weights = torch.randn(4, 4, 6, generator=generator(1))
    gradients = []
    for work in (lambda x: positions(exchange_moments(x, partners)), lambda x: slow_exchange(positions(x), partners)):
        leaf = features.clone().requires_grad_()
        (work(leaf) * weights).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_moments_of_bfloat16_features_are_worked_out_in_float32():
    features = (torch.randn(3, 64, 2, 2, generator=generator()) + 4).bfloat16()
    exchanged = exchange_moments(features, torch.tensor([1, 2, 0]))
    assert exchanged.dtype == torch.bfloat16
    assert torch.equal(exchanged, exchange_moments(features.float(), torch.tensor([1, 2, 0])).bfloat16())


def test_moex_labels_and_features_follow_the_same_partners():
    mixing, features = MoEx(probability=0.6, weight=0.5), torch.randn(12, 6, 2, 2, generator=generator())
    layer = nn.Identity()
    with mixing(features, torch.eye(12), generator(3), layer=layer) as (images, soft):
        seen = positions(layer(images))
    others = soft - 0.5 * torch.eye(12)
    partners = others.argmax(1)  # of a picture that was spared, itself
    assert 3 < int((partners != torch.arange(12)).sum()) < 12
    torch.testing.assert_close(soft, 0.5 * torch.eye(12) + 0.5 * torch.eye(12)[partners], atol=1e-6, rtol=0)
    torch.testing.assert_close(seen, slow_exchange(positions(features), partners), atol=1e-5, rtol=1e-5)


def test_cutmix_and_moex_together_mix_labels_twice():
    images, targets = one_class_each(16)
    with CutMix(probability=1.0)(images, targets, generator(1), layer=nn.Identity()) as (mixed, once):
        partners = MoEx(probability=1.0, weight=0.9).partners(16, generator=generator(2))
        with MoEx(probability=1.0, weight=0.9)(mixed, once, generator(2), layer=nn.Identity()) as (_, twice):
            torch.testing.assert_close(twice, 0.9 * once + 0.1 * once[partners], atol=1e-6, rtol=0)
