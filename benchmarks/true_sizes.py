"""BLIP base and CLIP ViT-B/32 with random weights, and photographs of a usual size: benchmarks need no download."""

import io

import numpy as np
import open_clip
import pyarrow as pa
import torch
import transformers
from PIL import Image

from sgid.captions import Captioner
from sgid.image_table import image_rows
from sgid.miniature.world import SHAPES
from sgid.runtime import fast_dtype
from sgid.similarity import Clip


def true_models(device: str) -> tuple[Captioner, Clip]:
    """BLIP base and CLIP ViT-B/32 with random weights; BLIP's vocabulary is made up, its size is not."""
    torch.manual_seed(0)
    config = transformers.BlipConfig(image_text_hidden_size=256)
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", ".", "a", "picture", "of"]
    words = marks + [f"w{i}" for i in range(config.text_config.vocab_size - len(marks))]
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)}, bos_token="[DEC]")
    config.text_config.bos_token_id, config.text_config.pad_token_id = words.index("[DEC]"), 0
    config.text_config.sep_token_id = config.text_config.eos_token_id = words.index("[SEP]")
    processor = transformers.BlipProcessor(
        transformers.BlipImageProcessor(size={"height": 384, "width": 384}), tokenizer
    )
    blip = transformers.BlipForConditionalGeneration(config).eval().to(device, fast_dtype(device))
    precision = "pure_bf16" if fast_dtype(device) is torch.bfloat16 else "fp32"
    clip, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", precision=precision, device=device)
    return Captioner(blip, processor), Clip(clip.eval(), preprocess, open_clip.get_tokenizer("ViT-B-32"), device=device)


def photographs(count: int) -> pa.Table:
    """JPEG pictures of 500 × 375 with structure at several scales."""
    rng, encoded = np.random.default_rng(0), []
    for _ in range(count):
        layers = [rng.integers(0, 256, (3 * k, 4 * k, 3), np.uint8) for k in (1, 4, 16)]
        mixed = np.mean([np.asarray(Image.fromarray(layer).resize((500, 375)), float) for layer in layers], axis=0)
        buffer = io.BytesIO()
        Image.fromarray(mixed.astype(np.uint8)).save(buffer, "JPEG", quality=90)
        encoded.append(buffer.getvalue())
    return image_rows([f"{i:05d}" for i in range(count)], encoded, [i % len(SHAPES) for i in range(count)])
