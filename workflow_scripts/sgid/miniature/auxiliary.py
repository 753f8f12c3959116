"""What makes the tiny vision towers see shapes: each patch token says where the shape is, their mean says what it is.

Without the mask loss these towers learn colours, pattern and size within minutes and go on guessing the shape.
"""

import numpy as np
import torch
from torch.nn import functional

from sgid.miniature import world


class ShapeHeads(torch.nn.Module):
    """Linear heads on patch tokens (N, patches, width), dropped after training."""

    def __init__(self, width: int, patch: int):
        super().__init__()
        self.patch = patch
        self.mask = torch.nn.Linear(width, patch * patch)
        self.fields = torch.nn.ModuleDict({name: torch.nn.Linear(width, len(v)) for name, v in world.FIELDS.items()})

    def loss(
        self,
        tokens: torch.Tensor,
        masks: torch.Tensor,
        fields: dict[str, torch.Tensor],
        *,
        weights: tuple[float, float],
    ) -> torch.Tensor:
        """Weighted sum of the masks' binary and the fields' categorical cross-entropy; `weights` in that order."""
        coverage = functional.unfold(masks[:, None], self.patch, stride=self.patch).transpose(1, 2)
        where = functional.binary_cross_entropy_with_logits(self.mask(tokens), coverage)
        mean = tokens.mean(1)
        what = sum(functional.cross_entropy(head(mean), fields[name]) for name, head in self.fields.items())
        return weights[0] * where + weights[1] * what


def tensors_of(drawings: world.Drawings) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Masks float32 (N, 32, 32) and fields int64 (N,) by name."""
    fields = {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in drawings.fields.items()}
    return torch.from_numpy(drawings.masks), fields
