"""CLIP cosine: captions and label texts against their image, and augmented images against their originals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import open_clip
import pyarrow as pa
import torch
from PIL import Image
from torch.nn.functional import normalize

from sgid.image_table import pictures_of
from sgid.prompts import label_text

SCORE_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("sampler", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("similarities", pa.list_(pa.float64())),
        ("label_similarity", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Clip:
    """An open_clip model in evaluation mode with its own preprocessing and tokenizer."""

    model: torch.nn.Module
    preprocess: Callable[[Image.Image], torch.Tensor]
    tokenizer: Callable[[Sequence[str]], torch.Tensor]
    device: str = "cpu"
    name: str = "clip"
    batch_size: int = 64

    @torch.inference_mode()
    def encode_images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(N, D) float32 of unit length, on the CPU."""
        batches = [pictures[i : i + self.batch_size] for i in range(0, len(pictures), self.batch_size)]
        encoded = [self.model.encode_image(self._pixels(batch)).float().cpu() for batch in batches]
        return normalize(torch.cat(encoded), dim=-1)

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D) float32 of unit length, on the CPU; a text that occurs again is encoded once."""
        distinct = list(dict.fromkeys(texts))
        batches = [distinct[i : i + self.batch_size] for i in range(0, len(distinct), self.batch_size)]
        encoded = [self.model.encode_text(self.tokenizer(batch).to(self.device)).float().cpu() for batch in batches]
        rows = {text: row for row, text in enumerate(distinct)}
        return normalize(torch.cat(encoded), dim=-1)[[rows[text] for text in texts]]

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([self.preprocess(picture) for picture in pictures]).to(self.device)


def load_clip(record: str | Path, *, device: str = "cpu", batch_size: int = 64) -> Clip:
    """The CLIP in the folder of a file, its model.json: `open_clip_config.json`, weights and, if named, a tokenizer."""
    folder = Path(record).parent
    source = f"local-dir:{folder}"
    model, preprocess = open_clip.create_model_from_pretrained(source, device=device)
    tokenizer = open_clip.get_tokenizer(source)
    return Clip(model.eval(), preprocess, tokenizer, device=device, name=folder.name, batch_size=batch_size)


def score_captions(clip: Clip, images: pa.Table, captions: pa.Table, *, names: Mapping[int, str]) -> pa.Table:
    """Rows of `captions` with the cosine of each caption, and of the image's label text, with the image.

    `images`: image table that has every captioned image; `names`: label to class name.
    """
    order = {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}
    wanted = images.take([order[image_id] for image_id in captions["image_id"].to_pylist()])
    features = clip.encode_images(pictures_of(wanted))
    texts = captions["captions"].to_pylist()
    labels = clip.encode_texts([label_text(names[label]) for label in wanted["label"].to_pylist()])
    columns = {
        "image_id": captions["image_id"],
        "sampler": captions["sampler"],
        "captions": texts,
        "similarities": caption_cosines(clip, features, texts),
        "label_similarity": (features * labels).sum(dim=-1).tolist(),
    }
    return pa.table(columns, schema=SCORE_SCHEMA)


def caption_cosines(clip: Clip, features: torch.Tensor, texts: Sequence[Sequence[str]]) -> list[list[float]]:
    """Cosine of image i with each text of `texts[i]`."""
    encoded = clip.encode_texts([text for group in texts for text in group]).split([len(group) for group in texts])
    return [(group @ image).tolist() for group, image in zip(encoded, features, strict=True)]


def consistency(originals: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
    """Mean cosine (N,) of original i (N, D) with its own K augmented images (N, K, D); rows of unit length."""
    return torch.einsum("nd,nkd->nk", originals, augmented).mean(dim=1)


def diversity(originals: torch.Tensor, augmented: torch.Tensor) -> torch.Tensor:
    """1 - mean cosine (N,) between the K augmented images of an original; for K = 1, between it and the original."""
    count = augmented.shape[1]
    if count == 1:
        return 1 - consistency(originals, augmented)
    cosines = augmented @ augmented.transpose(1, 2)
    pairs = cosines.sum(dim=(1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(dim=1)
    return 1 - pairs / (count * (count - 1))
