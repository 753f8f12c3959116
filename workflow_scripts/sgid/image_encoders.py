"""A model of the configuration as an encoder of images: CLIP, a timm network such as DINO, or BLIP's retrieval towers.

Which it is follows from the files in its folder, so that a figure names a model and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms import Compose

from sgid.runtime import fast_dtype, read_json
from sgid.similarity import Encoder, load_blip_contrast, load_clip


@dataclass(frozen=True)
class TimmFeatures(Encoder):
    """A timm network without its head, in evaluation mode with its own preprocessing; it has no text tower."""

    model: torch.nn.Module
    preprocess: Compose
    device: str = "cpu"
    name: str = "timm"
    batch_size: int = 64

    def pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([self.preprocess(picture) for picture in pictures])

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model(pixels.to(self.device, next(self.model.parameters()).dtype))


def load_timm(record: str | Path, *, device: str = "cpu", batch_size: int = 64) -> TimmFeatures:
    """The network in the folder of a file, its model.json: timm's `config.json` and `model.safetensors`."""
    import timm  # here, not above: the import takes seconds, and most encoders are CLIPs

    folder = Path(record).parent
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    preprocess = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    return TimmFeatures(
        model.to(device, fast_dtype(device)), preprocess, device=device, name=folder.name, batch_size=batch_size
    )


def load_image_encoder(record: str | Path, *, device: str = "cpu", batch_size: int = 64) -> Encoder:
    """The encoder in the folder of a file, its model.json; raises FileNotFoundError where the folder describes none."""
    folder = Path(record).parent
    if (folder / "open_clip_config.json").is_file():
        return load_clip(record, device=device, batch_size=batch_size)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"{folder}: neither open_clip_config.json nor config.json says what network this is; name another encoder"
        )
    load = load_timm if "architecture" in read_json(folder / "config.json") else load_blip_contrast
    return load(record, device=device, batch_size=batch_size)
