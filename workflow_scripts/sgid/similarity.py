"""Cosines in one space: captions and label texts against their image, augmented images against their originals.

Images and different texts are encoded once each, in batches; texts are cut to the longest of their batch, which under
CLIP's causal mask changes nothing. A cosine that is not finite is kept as it is, for prompts to deal with and count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import open_clip
import pyarrow as pa
import torch
from open_clip.transformer import text_global_pool
from PIL import Image
from torch.nn.functional import normalize
from transformers import BlipForImageTextRetrieval, BlipProcessor

from sgid.image_table import pictures_of
from sgid.prompts import label_text
from sgid.runtime import fast_dtype, one_ahead

SCORE_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("sampler", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("similarities", pa.list_(pa.float64())),
        ("label_similarity", pa.float64()),
    ]
)


class Encoder(Protocol):
    """What scores need: rows of unit length, float32 on the CPU, for N pictures and for N texts."""

    name: str
    batch_size: int

    def encode_images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(N, D) of N pictures."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D) of N texts."""
        ...


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
        return encoded_once(self._features, texts, self.batch_size)

    def _features(self, texts: Sequence[str]) -> torch.Tensor:
        return text_features(self.model, self.tokenizer(texts).to(self.device)).float().cpu()

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        dtype = next(self.model.parameters()).dtype
        return torch.stack([self.preprocess(picture) for picture in pictures]).to(self.device, dtype)


def encoded_once(
    encode: Callable[[Sequence[str]], torch.Tensor], texts: Sequence[str], batch_size: int
) -> torch.Tensor:
    """(N, D) of unit length for N texts, of which each different one is encoded once; `encode` gives (B, D) of B."""
    # By length, so that a batch is cut to about the length of each of its texts.
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    encoded = [encode(distinct[start : start + batch_size]) for start in range(0, len(distinct), batch_size)]
    rows = {text: row for row, text in enumerate(distinct)}
    return normalize(torch.cat(encoded), dim=-1)[[rows[text] for text in texts]]


def text_features(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """(N, D): open_clip's `encode_text`, without the positions behind the last end mark (N, 77) of the batch.

    A model that is not read at the end mark under a causal mask is encoded whole, by its own method.
    """
    if (
        not isinstance(model, open_clip.CLIP)
        or model.text_pool_type not in ("argmax", "eos")
        or model.attn_mask is None
    ):
        return model.encode_text(tokens)
    mark = getattr(model, "text_eos_id", None)
    ends = tokens if model.text_pool_type == "argmax" else (tokens == mark).int()
    length = int(ends.argmax(dim=-1).max()) + 1
    tokens, kind = tokens[:, :length], model.transformer.get_cast_dtype()
    states = model.token_embedding(tokens).to(kind) + model.positional_embedding[:length].to(kind)
    states = model.ln_final(model.transformer(states, attn_mask=model.attn_mask[:length, :length]))
    pooled = text_global_pool(states, tokens, model.text_pool_type, eos_token_id=mark)
    projection = model.text_projection
    if projection is None:
        return pooled
    return projection(pooled) if isinstance(projection, torch.nn.Linear) else pooled @ projection


def load_clip(record: str | Path, *, device: str = "cpu", batch_size: int = 64) -> Clip:
    """The CLIP in the folder of a file, its model.json: `open_clip_config.json`, weights and, if named, a tokenizer."""
    folder = Path(record).parent
    source = f"local-dir:{folder}"
    precision = "pure_bf16" if fast_dtype(device) is torch.bfloat16 else "fp32"
    model, preprocess = open_clip.create_model_from_pretrained(source, device=device, precision=precision)
    tokenizer = open_clip.get_tokenizer(source)
    return Clip(model.eval(), preprocess, tokenizer, device=device, name=folder.name, batch_size=batch_size)


@dataclass(frozen=True)
class BlipContrast:
    """BLIP's contrastive space (ITC): its image and text towers with their projections, cross-attention unused."""

    model: BlipForImageTextRetrieval
    processor: BlipProcessor
    name: str = "blip_itm"
    batch_size: int = 64

    @torch.inference_mode()
    def encode_images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(N, D) float32 of unit length, on the CPU."""
        found = []
        for start in range(0, len(pictures), self.batch_size):
            inputs = self.processor.image_processor(pictures[start : start + self.batch_size], return_tensors="pt")
            states = self.model.vision_model(inputs.pixel_values.to(self.model.device, self.model.dtype))
            found.append(self.model.vision_proj(states.last_hidden_state[:, 0]).float().cpu())
        return normalize(torch.cat(found), dim=-1)

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D) float32 of unit length, on the CPU; a text that occurs again is encoded once."""
        return encoded_once(self._features, texts, self.batch_size)

    def _features(self, texts: Sequence[str]) -> torch.Tensor:
        words = self.processor.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        words = words.to(self.model.device)
        states = self.model.text_encoder(words.input_ids, attention_mask=words.attention_mask).last_hidden_state
        return self.model.text_proj(states[:, 0]).float().cpu()


def load_blip_contrast(record: str | Path, *, device: str = "cpu", batch_size: int = 64) -> BlipContrast:
    """The BLIP retrieval checkpoint (transformers layout) in the folder of a file, its model.json."""
    folder = Path(record).parent
    model = BlipForImageTextRetrieval.from_pretrained(folder, local_files_only=True, dtype=fast_dtype(device))
    processor = BlipProcessor.from_pretrained(folder, local_files_only=True)
    return BlipContrast(model.eval().to(device), processor, name=folder.name, batch_size=batch_size)


# By the name of a model in the configuration.
ENCODERS: dict[str, Callable[..., Encoder]] = {"clip": load_clip, "blip_itm": load_blip_contrast}


def score_captions(encoder: Encoder, images: pa.Table, captions: pa.Table, *, names: Mapping[int, str]) -> pa.Table:
    """Rows of `captions` with the cosine of each caption, and of the image's label text, with the image.

    `images`: image table that has every captioned image; `names`: label to class name.
    """
    if not len(captions):
        return SCORE_SCHEMA.empty_table()
    wanted = rows_named(images, captions["image_id"].to_pylist())
    features = image_features(encoder, wanted)
    texts = captions["captions"].to_pylist()
    labels = encoder.encode_texts([label_text(names[label]) for label in wanted["label"].to_pylist()])
    columns = {
        "image_id": captions["image_id"],
        "sampler": captions["sampler"],
        "captions": texts,
        "similarities": caption_cosines(encoder, features, texts),
        "label_similarity": (features * labels).sum(dim=-1).tolist(),
    }
    return pa.table(columns, schema=SCORE_SCHEMA)


def rows_named(images: pa.Table, image_ids: Sequence[str]) -> pa.Table:
    """The rows of these ids, in their order; raises ValueError for an id that is not there.

    Slices of the table, which copy no picture: Arrow's `take` fails where they have more than 2 GB.
    """
    row_of = {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}
    missing = next((image_id for image_id in image_ids if image_id not in row_of), None)
    if missing is not None:
        raise ValueError(f"{missing}: captioned, and not among the images; run write_captions again")
    return pa.concat_tables([images.slice(0, 0), *(images.slice(row_of[image_id], 1) for image_id in image_ids)])


def image_features(encoder: Encoder, images: pa.Table) -> torch.Tensor:
    """(N, D) of an image table that is not empty; a batch is decoded while the one before it is encoded."""
    starts = range(0, len(images), encoder.batch_size)
    batches = one_ahead(pictures_of, (images.slice(start, encoder.batch_size) for start in starts))
    return torch.cat([encoder.encode_images(batch) for batch in batches])


def caption_cosines(encoder: Encoder, features: torch.Tensor, texts: Sequence[Sequence[str]]) -> list[list[float]]:
    """Cosine of image i with each text of `texts[i]`."""
    encoded = encoder.encode_texts([text for group in texts for text in group]).split([len(group) for group in texts])
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
