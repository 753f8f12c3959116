"""BLIP's decoder with one set of image keys and values for all captions of an image.

transformers' decoder copies the keys and values of all 577 patches for every sequence, moves the copies about when
beams change places, and has no fused attention: for ten captions that is ten times the memory traffic of the image.
Here the cross-attention of each layer is exchanged, while captions are written, for one that projects each image once,
lets the captions of an image attend together, and calls PyTorch's fused kernel. Everything else stays the library's
own; the numbers are the same up to rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class SharedCrossAttention(nn.Module):
    """Attention of (B * copies) sequences to B images; the sequences of an image are consecutive rows.

    `own` is the library's module, whose projections are used; `images` the patch states (B, P, D).
    """

    def __init__(self, own: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.query, self.heads, self.size = own.query, own.num_attention_heads, own.attention_head_size
        self.keys, self.values = (self.split(project(images)) for project in (own.key, own.value))

    def split(self, states: Tensor) -> Tensor:
        """(B, L, heads * size) to (B, heads, L, size)."""
        return states.view(*states.shape[:2], self.heads, self.size).transpose(1, 2)

    def forward(self, hidden_states: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
        """Context (B * copies, L, width) of the tokens `hidden_states`; no mask, for every patch is seen."""
        rows, length, _width = hidden_states.shape
        together = self.query(hidden_states).view(len(self.keys), -1, self.heads * self.size)
        context = scaled_dot_product_attention(self.split(together), self.keys, self.values)
        return context.transpose(1, 2).reshape(rows, length, -1), None


@contextmanager
def sharing_images(decoder: nn.Module, images: Tensor) -> Iterator[None]:
    """While the block lasts, a BLIP text decoder attends to the patch states (B, P, D) of these images.

    What the decoder is given as `encoder_hidden_states` then only says that there are images.
    """
    layers = [layer.crossattention for layer in decoder.bert.encoder.layer]
    own = [layer.self for layer in layers]
    try:
        for layer in layers:
            layer.self = SharedCrossAttention(layer.self, images)
        yield
    finally:
        for layer, module in zip(layers, own, strict=True):
            layer.self = module
