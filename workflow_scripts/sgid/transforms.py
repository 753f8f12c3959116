"""What changes one picture at a time: the base view, Random Erasing and RandAugment, on whole batches on any device.

Every picture draws its own parameters (torchvision's v2 transforms draw once a batch). The parameters come from an
explicit CPU generator and are then moved to the batch, so a CPU and a GPU draw the same augmentations, and nothing
here touches the global random state.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as kernels


@dataclass(frozen=True)
class View:
    """How a stored picture becomes what a network sees: sides in pixels, mean and std on the scale 0 to 1.

    Pictures are kept at `resize`; training cuts a random square of side `crop` after adding `padding` black pixels on
    each side, and flips half of the pictures; testing cuts the centre. `size` is the side of the network's input.
    """

    resize: int
    crop: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    padding: int = 0
    flip: bool = True

    @property
    def is_fixed(self) -> bool:
        """Whether every epoch sees the same pixels, so that features of a frozen network can be kept."""
        return not self.flip and self.padding == 0 and self.crop == self.resize


class Transform(Protocol):
    """A batch in, a batch of the same shape out; `acts_on` says whether it takes `pixels` or `normalised` values."""

    acts_on: ClassVar[str]

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor: ...


def training_view(
    images: Tensor, view: View, generator: torch.Generator, *, transforms: tuple[Transform, ...] = ()
) -> Tensor:
    """From stored uint8 (B, resize, resize, 3) to float32 (B, 3, size, size), augmented and normalised."""
    images = random_crop(images, view.crop, generator, padding=view.padding)
    pixels = images.permute(0, 3, 1, 2)
    if view.flip:
        pixels = random_flip(pixels, generator)
    pixels = apply_all(pixels, generator, transforms=transforms, acts_on="pixels")
    return apply_all(normalised(pixels, view), generator, transforms=transforms, acts_on="normalised")


def evaluation_view(images: Tensor, view: View) -> Tensor:
    """From stored uint8 (B, resize, resize, 3) to float32 (B, 3, size, size): the centre, normalised."""
    start = (view.resize - view.crop) // 2
    centre = images[:, start : start + view.crop, start : start + view.crop]
    return normalised(centre.permute(0, 3, 1, 2), view)


def apply_all(images: Tensor, generator: torch.Generator, *, transforms: tuple[Transform, ...], acts_on: str) -> Tensor:
    """The transforms of one stage, in the order in which the method names them."""
    for transform in transforms:
        if transform.acts_on == acts_on:
            images = transform(images, generator)
    return images


def normalised(pixels: Tensor, view: View) -> Tensor:
    """uint8 (B, 3, S, S) to float32 (B, 3, size, size), resized where `size` differs, minus mean, over std."""
    values = pixels.float() / 255
    if values.shape[-1] != view.size:
        values = interpolate(values, size=view.size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(numbers, device=values.device).view(1, 3, 1, 1) for numbers in (view.mean, view.std))
    return (values - mean) / std


def random_crop(images: Tensor, side: int, generator: torch.Generator, *, padding: int = 0) -> Tensor:
    """A square of `side` from each of (B, H, W, C), at its own place, after `padding` black pixels on each side."""
    count, height, width, _ = images.shape
    top = torch.randint(height + 2 * padding - side + 1, (count, 1, 1), generator=generator)
    left = torch.randint(width + 2 * padding - side + 1, (count, 1, 1), generator=generator)
    steps = torch.arange(side)
    rows, columns = top + steps.view(1, -1, 1), left + steps.view(1, 1, -1)
    padded = pad(images, (0, 0, padding, padding, padding, padding))
    index = torch.arange(count).view(-1, 1, 1)
    return padded[index.to(images.device), rows.to(images.device), columns.to(images.device)]


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each of (B, C, H, W) left to right with probability 1/2."""
    flipped = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(flipped.to(images.device).view(-1, 1, 1, 1), images.flip(-1), images)


def box_mask(box: Tensor, height: int, width: int) -> Tensor:
    """Where each box is, bool (B, 1, height, width); box is int (B, 4): top, left, bottom, right (exclusive)."""
    top, left, bottom, right = box.view(-1, 4, 1, 1).unbind(1)
    rows = torch.arange(height, device=box.device).view(1, -1, 1)
    columns = torch.arange(width, device=box.device).view(1, 1, -1)
    return ((rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)).unsqueeze(1)


@dataclass(frozen=True)
class RandomErasing:
    """Fill a random rectangle of a picture (Zhong et al. 2020; the values of their repository).

    area: the share of the picture, uniform between the two; aspect: height over width, uniform from `aspect` to its
    inverse; fill: one value a channel on the normalised scale, where 0 is the mean colour.
    """

    acts_on: ClassVar[str] = "normalised"
    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.4)
    aspect: float = 0.3
    fill: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tries: int = 100

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        count, channels, height, width = images.shape
        box = self.boxes(count, height, width, generator=generator).to(images.device)
        fill = torch.tensor(self.fill, device=images.device, dtype=images.dtype).view(1, channels, 1, 1)
        return torch.where(box_mask(box, height, width), fill, images)

    def boxes(self, count: int, height: int, width: int, *, generator: torch.Generator) -> Tensor:
        """int64 (B, 4); empty where the picture is spared or none of `tries` rectangles fits inside it."""
        sides, fits = self._first_fitting(count, height, width, generator=generator)
        erased = fits & (torch.rand(count, generator=generator) < self.probability)
        sides = sides * erased.unsqueeze(1)
        room = torch.tensor([height, width]) - sides
        corner = (torch.rand(count, 2, generator=generator) * (room + 1)).long()
        return torch.cat([corner, corner + sides], dim=1)

    def _first_fitting(
        self, count: int, height: int, width: int, *, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Height and width, int64 (B, 2), of the first rectangle smaller than the picture, and whether there is one."""
        low, high = self.area
        area = (low + (high - low) * torch.rand(count, self.tries, generator=generator)) * height * width
        aspect = self.aspect + (1 / self.aspect - self.aspect) * torch.rand(count, self.tries, generator=generator)
        sides = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], dim=-1).round().long()
        fits = (sides[..., 0] < height) & (sides[..., 1] < width)
        first = fits.int().argmax(dim=1)
        rows = torch.arange(count)
        return sides[rows, first], fits[rows, first]


@dataclass(frozen=True)
class Operation:
    """One operation of RandAugment: `strength` at the largest magnitude; `signed` if half of the draws negate it."""

    apply: Callable[[Tensor, float], Tensor]
    strength: float = 0.0
    signed: bool = False


def _affine(images: Tensor, *, translate: tuple[int, int] = (0, 0), shear: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    # Shears keep the corner, translations have no centre: [0, 0] is torchvision's choice for both.
    return kernels.affine(
        images,
        angle=0.0,
        translate=list(translate),
        scale=1.0,
        shear=[math.degrees(math.atan(slope)) for slope in shear],
        interpolation=InterpolationMode.NEAREST,
        center=[0, 0],
    )


# torchvision's RandAugment space: 14 operations. Translations are a share of the side, posterise counts bits taken.
OPERATIONS = {
    "identity": Operation(lambda images, _: images),
    "shear_x": Operation(lambda images, m: _affine(images, shear=(m, 0.0)), strength=0.3, signed=True),
    "shear_y": Operation(lambda images, m: _affine(images, shear=(0.0, m)), strength=0.3, signed=True),
    "translate_x": Operation(
        lambda images, m: _affine(images, translate=(int(m * images.shape[-1]), 0)), strength=150 / 331, signed=True
    ),
    "translate_y": Operation(
        lambda images, m: _affine(images, translate=(0, int(m * images.shape[-2]))), strength=150 / 331, signed=True
    ),
    "rotate": Operation(lambda images, m: kernels.rotate(images, m), strength=30.0, signed=True),
    "brightness": Operation(lambda images, m: kernels.adjust_brightness(images, 1 + m), strength=0.9, signed=True),
    "colour": Operation(lambda images, m: kernels.adjust_saturation(images, 1 + m), strength=0.9, signed=True),
    "contrast": Operation(lambda images, m: kernels.adjust_contrast(images, 1 + m), strength=0.9, signed=True),
    "sharpness": Operation(lambda images, m: kernels.adjust_sharpness(images, 1 + m), strength=0.9, signed=True),
    "posterise": Operation(lambda images, m: kernels.posterize(images, 8 - round(m)), strength=4.0),
    "solarise": Operation(lambda images, m: kernels.solarize(images, 255 * (1 - m)), strength=1.0),
    "autocontrast": Operation(lambda images, _: kernels.autocontrast(images)),
    "equalise": Operation(lambda images, _: kernels.equalize(images)),
}


@dataclass(frozen=True)
class RandAugment:
    """Some random operations at one magnitude (Cubuk et al. 2020; torchvision's defaults).

    With one magnitude for all, pictures that drew the same operation and sign share one call: at most 23 calls a round.
    """

    acts_on: ClassVar[str] = "pixels"
    operations: int = 2
    magnitude: int = 9
    bins: int = 31

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        for _ in range(self.operations):
            images = self._one_round(images, generator)
        return images

    def _one_round(self, images: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(len(OPERATIONS), (len(images),), generator=generator)
        sign = 1 - 2 * torch.randint(2, (len(images),), generator=generator)
        sign[~torch.tensor([operation.signed for operation in OPERATIONS.values()])[drawn]] = 1
        changed = images.clone()
        for index, side in torch.stack([drawn, sign], dim=1).unique(dim=0).tolist():
            rows = ((drawn == index) & (sign == side)).nonzero().squeeze(1).to(images.device)
            changed[rows] = self.applied(images[rows], list(OPERATIONS)[index], sign=side)
        return changed

    def applied(self, images: Tensor, name: str, *, sign: int = 1) -> Tensor:
        """One named operation at this magnitude on all of uint8 (B, 3, H, W)."""
        operation = OPERATIONS[name]
        return operation.apply(images, sign * operation.strength * self.magnitude / (self.bins - 1))


TRANSFORMS: dict[str, type[Transform]] = {"random_erasing": RandomErasing, "randaugment": RandAugment}
