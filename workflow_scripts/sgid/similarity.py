"""Cosines in one space: captions and label texts against their image, augmented images against their originals.

Images and different texts are encoded once each, in batches; texts are cut to the longest of their batch, which under
CLIP's causal mask changes nothing. A cosine that is not finite is kept as it is, for prompts to deal with and count.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import open_clip
import pyarrow as pa
import torch
from open_clip.transformer import text_global_pool
from PIL import Image
from torch.nn.functional import normalize
from transformers import BlipForImageTextRetrieval, BlipProcessor

from sgid.image_table import pictures_of, rows_at
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


class Encoder:
    """An image tower and a text tower into one space; of both, rows of unit length, float32 on the CPU."""

    name: str
    batch_size: int

    def pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(B, 3, S, S) on the CPU, as the image tower wants a batch of pictures."""
        raise NotImplementedError

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, D), of any length, for a batch of `pixels`."""
        raise NotImplementedError

    def encode_batch(self, texts: Sequence[str]) -> torch.Tensor:
        """(B, D), of any length, for a batch of texts."""
        raise NotImplementedError

    def encode_images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """(N, D) of N pictures, at least one; a batch is prepared while the one before it is encoded."""
        return self.encode_prepared(one_ahead(self.pixels, batches_of(pictures, self.batch_size)))

    @torch.inference_mode()
    def encode_prepared(self, batches: Iterable[torch.Tensor]) -> torch.Tensor:
        """(N, D) of batches of `pixels`, at least one."""
        return normalize(torch.cat([self.encode_pixels(pixels).float().cpu() for pixels in batches]), dim=-1)

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D) of N texts, at least one; a text that occurs again is encoded once."""
        # By length, so that a batch is cut to about the length of each of its texts.
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        encoded = [self.encode_batch(batch).float().cpu() for batch in batches_of(distinct, self.batch_size)]
        rows = {text: row for row, text in enumerate(distinct)}
        return normalize(torch.cat(encoded), dim=-1)[[rows[text] for text in texts]]


def batches_of(rows: Sequence | pa.Table, size: int) -> Iterator:
    """Consecutive slices of at most `size`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


@dataclass(frozen=True)
class Clip(Encoder):
    """An open_clip model in evaluation mode with its own preprocessing and tokenizer."""

    model: torch.nn.Module
    preprocess: Callable[[Image.Image], torch.Tensor]
    tokenizer: Callable[[Sequence[str]], torch.Tensor]
    device: str = "cpu"
    name: str = "clip"
    batch_size: int = 64

    def pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([self.preprocess(picture) for picture in pictures])

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.encode_image(pixels.to(self.device, next(self.model.parameters()).dtype))

    def encode_batch(self, texts: Sequence[str]) -> torch.Tensor:
        return text_features(self.model, self.tokenizer(texts).to(self.device))


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
class BlipContrast(Encoder):
    """BLIP's contrastive space (ITC): its image and text towers with their projections, cross-attention unused."""

    model: BlipForImageTextRetrieval
    processor: BlipProcessor
    name: str = "blip_itm"
    batch_size: int = 64

    def pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return self.processor.image_processor(pictures, return_tensors="pt").pixel_values

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        states = self.model.vision_model(pixels.to(self.model.device, self.model.dtype)).last_hidden_state
        return self.model.vision_proj(states[:, 0])

    def encode_batch(self, texts: Sequence[str]) -> torch.Tensor:
        words = self.processor.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        words = words.to(self.model.device)
        states = self.model.text_encoder(words.input_ids, attention_mask=words.attention_mask).last_hidden_state
        return self.model.text_proj(states[:, 0])


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
    """The rows of these ids, in their order; raises ValueError for an id that is not there."""
    row_of = {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}
    missing = next((image_id for image_id in image_ids if image_id not in row_of), None)
    if missing is not None:
        raise ValueError(f"{missing}: captioned, and not among the images; run write_captions again")
    return rows_at(images, [row_of[image_id] for image_id in image_ids])


def image_features(encoder: Encoder, images: pa.Table) -> torch.Tensor:
    """(N, D) of an image table that is not empty; a batch is decoded while the one before it is encoded."""

    def prepared(batch: pa.Table) -> torch.Tensor:
        return encoder.pixels(pictures_of(batch))

    return encoder.encode_prepared(one_ahead(prepared, batches_of(images, encoder.batch_size)))


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
