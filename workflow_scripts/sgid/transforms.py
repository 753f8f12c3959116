"""What changes one picture at a time: the base view, Random Erasing and RandAugment, on whole batches on any device.

Every picture draws its own parameters (torchvision's v2 transforms draw once a batch). The parameters come from an
explicit CPU generator and are then moved to the batch, so a CPU and a GPU draw the same augmentations, and nothing
here touches the global random state.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from sgid.operations import OPERATIONS, Matrix, Operation, moved, sent


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
    """uint8 (B, 3, S, S) to float32 (B, 3, size, size), resized where `size` differs, minus mean, over std.

    In the memory format of the networks, channels last, whatever the transforms before have left.
    """
    values = pixels.contiguous(memory_format=torch.channels_last) / 255
    if values.shape[-1] != view.size:
        values = interpolate(values, size=view.size, mode="bicubic", antialias=True).clamp_(0, 1)
    mean, std = (sent(torch.tensor(numbers), values).view(1, 3, 1, 1) for numbers in (view.mean, view.std))
    return values.sub_(mean).div_(std)


def random_crop(images: Tensor, side: int, generator: torch.Generator, *, padding: int = 0) -> Tensor:
    """A square of `side` from each of (B, H, W, C), at its own place, after `padding` black pixels on each side."""
    count, height, width, channels = images.shape
    top = torch.randint(height + 2 * padding - side + 1, (count, 1), generator=generator)
    left = torch.randint(width + 2 * padding - side + 1, (count, 1), generator=generator)
    padded = pad(images, (0, 0, padding, padding, padding, padding))
    # Every stretch of `side` pixels of a row, as a view: what is copied is whole stretches, not single pixels.
    stretches = padded.flatten(2).unfold(2, side * channels, channels)
    places = (torch.arange(count).unsqueeze(1), top + torch.arange(side), left)
    return stretches[tuple(sent(place, images) for place in places)].view(count, side, side, channels)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each of (B, C, H, W) left to right with probability 1/2."""
    flipped = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(sent(flipped, images).view(-1, 1, 1, 1), images.flip(-1), images)


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
    only: str = "all"  # of which pictures, by origin: `sgid.online` sees to it

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        count, channels, height, width = images.shape
        box = sent(self.boxes(count, height, width, generator=generator), images)
        fill = sent(torch.tensor(self.fill, dtype=images.dtype), images).view(1, channels, 1, 1)
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


IS_SIGNED = torch.tensor([operation.signed for operation in OPERATIONS.values()])
MOVES = torch.tensor([operation.kernel is None for operation in OPERATIONS.values()])


@dataclass(frozen=True)
class RandAugment:
    """Some random operations at one magnitude (Cubuk et al. 2020; torchvision's defaults).

    With one magnitude for all, pictures that drew the same operation and sign share a call, and so do all those whose
    pixels are moved: at most 14 calls a round.
    """

    acts_on: ClassVar[str] = "pixels"
    operations: int = 2
    magnitude: int = 9
    bins: int = 31
    only: str = "all"  # of which pictures, by origin: `sgid.online` sees to it

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        for _ in range(self.operations):
            images = self._one_round(images, generator)
        return images

    def _one_round(self, images: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(len(OPERATIONS), (len(images),), generator=generator)
        negated = torch.randint(2, (len(images),), generator=generator) * IS_SIGNED[drawn]
        # Sorted, the pictures that share a call lie side by side.
        calls, order = torch.where(MOVES[drawn], -1, 2 * drawn + negated).sort()
        sizes = calls.unique_consecutive(return_counts=True)[1].tolist()
        kinds = torch.stack([drawn, 1 - 2 * negated], dim=1)[order].split(sizes)
        order = sent(order, images)
        parts = zip(images[order].split(sizes), kinds, strict=True)
        return torch.cat([self._shared_call(part, kinds.tolist()) for part, kinds in parts])[order.argsort()]

    def _shared_call(self, images: Tensor, kinds: list[list[int]]) -> Tensor:
        """Pictures after the operation (by number) and sign of each: the same for all, unless they move pixels."""
        (number, sign), operations = kinds[0], list(OPERATIONS.values())
        if not MOVES[number]:
            return operations[number].kernel(images, sign * self._strength(operations[number], images))
        return moved(images, torch.tensor([self._matrix(operations[number], sign, images) for number, sign in kinds]))

    def _strength(self, operation: Operation, images: Tensor) -> float:
        return operation.at(self.magnitude, self.bins, images)

    def _matrix(self, operation: Operation, sign: int, images: Tensor) -> Matrix:
        return operation.matrix(sign * self._strength(operation, images), *images.shape[-2:])

    def applied(self, images: Tensor, name: str, *, sign: int = 1) -> Tensor:
        """One named operation at this magnitude on all of uint8 (B, 3, H, W)."""
        return self._shared_call(images, [[list(OPERATIONS).index(name), sign]] * len(images))


TRANSFORMS: dict[str, type[Transform]] = {"random_erasing": RandomErasing, "randaugment": RandAugment}
