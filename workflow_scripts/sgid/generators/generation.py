"""How a recipe's images are drawn and stored, and what of that is left to the device."""

from dataclasses import dataclass, replace

from sgid.generators import GENERATORS

PRECISIONS = ("auto", "float32", "float16", "bfloat16")
AUTO = "auto"
CPU_BATCH, LARGEST_BATCH = 4, 32
WEIGHTS_BYTES, PICTURE_BYTES = 4 << 30, 1 << 30  # of Stable Diffusion v1-5 at 512 pixels, INFERRED


@dataclass(frozen=True)
class Generation:
    """How a recipe's images are drawn and stored.

    `resolution`: side in pixels that the model works at. `output_size`: side of the stored square, None as drawn.
    `precision`: one of PRECISIONS. `exact`: fill the last batch up, so that every batch has one shape and no byte
    depends on how a set is sharded. `compile`: let torch.compile build the UNet and the decoder. `batch_size`,
    `precision` and `channels_last` may be `auto`, which `on` decides.
    """

    generator: str
    steps: int = 50
    resolution: int = 512
    batch_size: int | str = AUTO
    encoding: str = "png"
    output_size: int | None = None
    scheduler: str | None = None
    precision: str = AUTO
    channels_last: bool | str = AUTO
    compile: bool = False
    image_guidance: float = 1.2
    exact: bool = True

    def __post_init__(self) -> None:
        if self.generator not in GENERATORS:
            raise ValueError(f"generator: {self.generator!r} is not defined (have: {', '.join(GENERATORS)})")
        if self.precision not in PRECISIONS:
            raise ValueError(f"generation.precision: {self.precision!r} is not defined (have: {', '.join(PRECISIONS)})")

    def on(self, device: str, *, memory: int | None = None) -> "Generation":
        """The same with all that is `auto` decided for a device; `memory`: bytes of a GPU.

        A GPU gets float16 and convolutions with channels last; a CPU float32 in PyTorch's own layout.
        """
        gpu = device.startswith("cuda")
        return replace(
            self,
            batch_size=batch_for(memory) if self.batch_size == AUTO else self.batch_size,
            precision=("float16" if gpu else "float32") if self.precision == AUTO else self.precision,
            channels_last=gpu if self.channels_last == AUTO else self.channels_last,
        )


def batch_for(memory: int | None) -> int:
    """Pictures in one forward pass: a power of two that a GPU of `memory` bytes should hold; None for a CPU."""
    if memory is None:
        return CPU_BATCH
    fitting = min(LARGEST_BATCH, max(1, (memory - WEIGHTS_BYTES) // PICTURE_BYTES))
    return 1 << (int(fitting).bit_length() - 1)
