"""What mixes two pictures of a batch: CutMix in pixels, MoEx in features.

A mixing is a context around one forward pass, because MoEx acts inside the network:

    with mixing(images, targets, generator, layer=stem) as (images, targets):
        loss = cross_entropy(network(images), targets)

images: float (B, 3, H, W); targets: float (B, classes), rows sum to 1. Each picture draws its own partner and
parameters from an explicit CPU generator.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sgid.operations import sent
from sgid.transforms import box_mask

Batch = tuple[Tensor, Tensor]
EPSILON = 1e-5  # of the MoEx repository, added to the variance


class Mixing(Protocol):
    """Images and targets in, a context that yields the mixed ones out; `layer` is where MoEx acts."""

    def __call__(
        self, images: Tensor, targets: Tensor, generator: torch.Generator, *, layer: nn.Module
    ) -> AbstractContextManager[Batch]: ...


def mix_targets(targets: Tensor, partners: Tensor, kept: Tensor) -> Tensor:
    """Targets kept · own + (1 - kept) · partner's: under cross entropy the papers' weighted sum of two losses."""
    kept = kept.to(targets).unsqueeze(1)
    return kept * targets + (1 - kept) * targets[partners]


@dataclass(frozen=True)
class CutMix:
    """Paste a rectangle of another picture (Yun et al. 2019); labels weigh as the pixels that are left.

    The share that stays is drawn from Beta(alpha, alpha) with the given probability for each picture.
    """

    probability: float = 0.5
    alpha: float = 1.0

    @contextmanager
    def __call__(
        self, images: Tensor, targets: Tensor, generator: torch.Generator, *, layer: nn.Module
    ) -> Iterator[Batch]:
        count, _, height, width = images.shape
        partners = sent(torch.randperm(count, generator=generator), images)
        box = sent(self.boxes(count, height, width, generator=generator), images)
        mixed = torch.where(box_mask(box, height, width), images[partners], images)
        yield mixed, mix_targets(targets, partners, kept_share(box, height, width))

    def boxes(self, count: int, height: int, width: int, *, generator: torch.Generator) -> Tensor:
        """int64 (B, 4): top, left, bottom, right, cut off at the border; empty where the picture is spared."""
        mixed = torch.rand(count, generator=generator) < self.probability
        share = torch.where(mixed, 1 - beta_draws(self.alpha, count, generator), 0.0).sqrt().unsqueeze(1)
        frame = torch.tensor([height, width])
        sides = (share * frame).long()
        centre = (torch.rand(count, 2, generator=generator) * frame).long()
        start = centre - sides // 2
        # The reference takes half of the side on both sides of the centre, which drops the odd pixel; so does this.
        stop = centre + sides // 2
        return torch.cat([start.clamp(min=0), torch.minimum(stop, frame)], dim=1)


def kept_share(box: Tensor, height: int, width: int) -> Tensor:
    """Share of the picture outside the box, float32 (B,): exact, because the box is already cut off at the border."""
    top, left, bottom, right = box.unbind(1)
    return 1 - ((bottom - top) * (right - left)).float() / (height * width)


def beta_draws(alpha: float, count: int, generator: torch.Generator) -> Tensor:
    """Beta(alpha, alpha), float32 (count,); by NumPy, because torch's own sampler takes no generator."""
    seed = torch.randint(2**62, (), generator=generator).item()
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()


@dataclass(frozen=True)
class MoEx:
    """Exchange the moments of features between pictures (Li et al. 2021).

    At each position the mean and standard deviation over channels are replaced by the partner's, once, behind `layer`:
    behind the stem of a ResNet (its max pooling included) or behind the patch embedding of a ViT, where the class
    token does not exist yet and so keeps out. weight: the share of a picture's own label.
    """

    probability: float = 0.5
    weight: float = 0.9

    @contextmanager
    def __call__(
        self, images: Tensor, targets: Tensor, generator: torch.Generator, *, layer: nn.Module
    ) -> Iterator[Batch]:
        partners = sent(self.partners(len(images), generator=generator), images)
        kept = torch.full((len(images),), self.weight, device=images.device)
        hook = layer.register_forward_hook(lambda module, inputs, output: exchange_moments(output, partners))
        try:
            yield images, mix_targets(targets, partners, kept)
        finally:
            hook.remove()

    def partners(self, count: int, *, generator: torch.Generator) -> Tensor:
        """int64 (B,): whose moments each picture takes; itself where it is spared."""
        chosen = torch.rand(count, generator=generator) < self.probability
        return torch.where(chosen, torch.randperm(count, generator=generator), torch.arange(count))


def exchange_moments(features: Tensor, partners: Tensor) -> Tensor:
    """Features with each position's mean and deviation over channels taken from the partner's; same shape and dtype.

    Worked out in float32 at least, as the reference does: bfloat16 would round the moments to three digits.
    """
    values = features.to(torch.promote_types(features.dtype, torch.float32))
    mean, deviation = positional_moments(values)
    return ((values - mean) / deviation * deviation[partners] + mean[partners]).to(features.dtype)


def positional_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation over channels (PONO): dim 1 of (B, C, H, W), the last of tokens (B, N, C)."""
    channels = 1 if features.ndim == 4 else -1
    mean = features.mean(channels, keepdim=True)
    return mean, (features.var(channels, keepdim=True, unbiased=True) + EPSILON).sqrt()


MIXINGS: dict[str, type[Mixing]] = {"cutmix": CutMix, "moex": MoEx}
