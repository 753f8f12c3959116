"""RandAugment's fourteen operations (torchvision's) on batches of uint8 pictures (B, 3, H, W).

Those that move pixels about take a matrix for each picture, so that all of them need one call; the others take one
strength for all pictures of a call.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision.transforms.v2 import functional as kernels

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


def sent(parameters: Tensor, images: Tensor) -> Tensor:
    """Parameters drawn on the CPU, where the images are; the CPU does not wait until the device has done its work."""
    return parameters.to(images.device, non_blocking=True)


@dataclass(frozen=True)
class Operation:
    """What is done at a strength: a kernel of all pictures, or a matrix for pictures of some height and width.

    strength: at the largest magnitude, a plain number or, with `side`, a share of that dimension of (B, C, H, W);
    signed: whether half of the draws negate it.
    """

    kernel: Callable[[Tensor, float], Tensor] | None = None
    matrix: Callable[[float, int, int], Matrix] | None = None
    strength: float = 0.0
    side: int | None = None
    signed: bool = False

    def at(self, magnitude: int, bins: int, images: Tensor) -> float:
        """The strength at one of `bins` magnitudes, unsigned."""
        largest = self.strength * (images.shape[self.side] if self.side else 1)
        # In float32, as torchvision counts: rounding decides where whole pixels or grey levels are cut off.
        return torch.linspace(0, largest, bins)[magnitude].item()


def moved(images: Tensor, matrices: Tensor) -> Tensor:
    """Each picture through its own matrix, float (B, 2, 3): the nearest pixel, black beyond the border.

    A matrix takes the place of a pixel, counted from the middle of the picture, to the place where its value is from.
    """
    _, _, height, width = images.shape
    y = (torch.arange(height, device=images.device) - (height - 1) / 2).view(1, -1, 1, 1)
    x = (torch.arange(width, device=images.device) - (width - 1) / 2).view(1, 1, -1, 1)
    scaled = sent(matrices / torch.tensor([width / 2, height / 2]).view(2, 1), images)
    by_x, by_y, shift = scaled.view(-1, 1, 1, 2, 3).unbind(-1)
    places = x * by_x + y * by_y + shift
    values = grid_sample(images.float(), places, mode="nearest", padding_mode="zeros", align_corners=False)
    return values.to(images.dtype)


def rotation(degrees: float, height: int, width: int) -> Matrix:
    """Anticlockwise, about the middle."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cosine, -sine, 0.0), (sine, cosine, 0.0)


OPERATIONS = {
    "identity": Operation(lambda images, _: images),
    # Shears keep the upper left corner.
    "shear_x": Operation(matrix=lambda m, h, w: ((1, m, m * h / 2), (0, 1, 0)), strength=0.3, signed=True),
    "shear_y": Operation(matrix=lambda m, h, w: ((1, 0, 0), (m, 1, m * w / 2)), strength=0.3, signed=True),
    "translate_x": Operation(
        matrix=lambda m, h, w: ((1, 0, -int(m)), (0, 1, 0)), strength=150 / 331, side=3, signed=True
    ),
    "translate_y": Operation(
        matrix=lambda m, h, w: ((1, 0, 0), (0, 1, -int(m))), strength=150 / 331, side=2, signed=True
    ),
    "rotate": Operation(matrix=rotation, strength=30.0, signed=True),
    "brightness": Operation(lambda images, m: kernels.adjust_brightness(images, 1 + m), strength=0.9, signed=True),
    "colour": Operation(lambda images, m: kernels.adjust_saturation(images, 1 + m), strength=0.9, signed=True),
    "contrast": Operation(lambda images, m: kernels.adjust_contrast(images, 1 + m), strength=0.9, signed=True),
    "sharpness": Operation(lambda images, m: kernels.adjust_sharpness(images, 1 + m), strength=0.9, signed=True),
    # The strength is the number of bits taken.
    "posterise": Operation(lambda images, m: kernels.posterize(images, 8 - round(m)), strength=4.0),
    "solarise": Operation(lambda images, m: kernels.solarize(images, 255 - m), strength=255.0),
    "autocontrast": Operation(lambda images, _: kernels.autocontrast(images)),
    "equalise": Operation(lambda images, _: kernels.equalize(images)),
}
