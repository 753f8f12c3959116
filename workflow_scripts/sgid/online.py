"""What a method does to each batch while training: the base view, then its online transforms and mixings."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sgid.backbones import for_size
from sgid.mixing import MIXINGS, Mixing
from sgid.seeding import seed_for
from sgid.transforms import TRANSFORMS, Transform, View, training_view

ONLY = ("all", "generated", "originals")  # a transform's option: which pictures it is for


@dataclass(frozen=True)
class Online:
    """What a method does to each batch while training; both empty for the plain backbone."""

    transforms: tuple[Transform, ...] = ()
    mixings: tuple[Mixing, ...] = ()

    @classmethod
    def from_config(cls, online: Mapping[str, Mapping[str, Any]], *, image_size: int | None = None) -> "Online":
        """From a method's `online` mapping of name to options; `small_images` inside options works as in backbones."""
        legal = TRANSFORMS | MIXINGS
        for name in online.keys() - legal.keys():
            raise ValueError(f"online transform {name!r} is not defined (have: {', '.join(sorted(legal))})")
        chosen = {name: for_size(options, image_size) for name, options in online.items()}
        for name, options in chosen.items():
            refuse_only(name, options)
        made = {name: legal[name](**options) for name, options in chosen.items()}
        return cls(
            transforms=tuple(made[name] for name in made if name in TRANSFORMS),
            mixings=tuple(made[name] for name in made if name in MIXINGS),
        )


def refuse_only(name: str, options: Mapping[str, Any]) -> None:
    """The option `only` is of transforms of single pictures, and one of ONLY."""
    if name in MIXINGS and "only" in options:
        raise ValueError(
            f"{name} joins two pictures of a batch, so it has no `only` (as {', '.join(TRANSFORMS)} have); leave it out"
        )
    if options.get("only", "all") not in ONLY:
        raise ValueError(f"{name}: `only: {options['only']}` is not defined (have: {', '.join(ONLY)})")


@dataclass(frozen=True)
class ForSome:
    """A transform whose result some pictures of one batch keep; `chosen`: bool (B,).

    It draws for every picture, so that no picture's draw depends on which others are chosen.
    """

    transform: Transform
    chosen: Tensor

    @property
    def acts_on(self) -> str:
        return self.transform.acts_on

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        return torch.where(self.chosen.view(-1, 1, 1, 1), self.transform(images, generator), images)


def for_batch(transform: Transform, generated: Tensor) -> Transform:
    """The transform for those pictures of a batch that its `only` names."""
    if transform.only == "all":
        return transform
    return ForSome(transform, generated if transform.only == "generated" else ~generated)


class Augmentation:
    """A context around one forward pass, as mixings are: from stored pictures to what the network sees.

    `generated`: bool (B,), which of the pictures were generated.
    """

    def __init__(self, view: View, online: Online, layer: nn.Module, *, seed: int) -> None:
        self.view, self.online, self.layer = view, online, layer
        self.generator = torch.Generator().manual_seed(seed_for(seed, "augmentation"))

    @contextmanager
    def __call__(self, images: Tensor, targets: Tensor, generated: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        transforms = tuple(for_batch(transform, generated) for transform in self.online.transforms)
        batch = training_view(images, self.view, self.generator, transforms=transforms)
        with ExitStack() as around:
            for mixing in self.online.mixings:
                batch, targets = around.enter_context(mixing(batch, targets, self.generator, layer=self.layer))
            yield batch, targets


def unchanged(features: Tensor, targets: Tensor, generated: Tensor) -> AbstractContextManager[tuple[Tensor, Tensor]]:
    """The augmentation of cached features: none."""
    return nullcontext((features, targets))
