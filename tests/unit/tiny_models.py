"""Tiny random models in the real layouts on disk: Stable Diffusion, InstructPix2Pix, BLIP, CLIP, with tokenizers."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pyarrow as pa
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    PNDMScheduler,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipForImageTextRetrieval,
    BlipImageProcessor,
    BlipProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
)

from sgid.image_table import encode, image_rows

SIZE = 32
# More threads only get in each other's way on models this small.
torch.set_num_threads(1)
WORDS = ["a", "picture", "of", "small", "red", "green", "blue", "circle", "star", "moon", "on", "white", "cyan"]
RECORD = "model.json"


def clip_tokenizer(length: int = 77) -> CLIPTokenizer:
    """Single characters, plain and at the end of a word; every text is within its reach."""
    characters = [chr(code) for code in range(33, 127)]
    entries = [*characters, *(f"{c}</w>" for c in characters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={entry: i for i, entry in enumerate(entries)}, merges=[], model_max_length=length)


def bert_tokenizer() -> BertTokenizer:
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", ".", *WORDS]
    return BertTokenizer(vocab={entry: i for i, entry in enumerate(entries)}, bos_token="[DEC]")


def record(folder: Path) -> Path:
    (folder / RECORD).write_text(json.dumps({"miniature": True}))
    return folder / RECORD


def text_encoder(tokenizer: CLIPTokenizer, length: int = 77) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=length, eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    encoder = CLIPTextModel(config).eval()
    with torch.no_grad():
        # As in Stable Diffusion, whose embeddings are not centred at zero.
        dict(encoder.named_parameters())[final_norm_bias(encoder)].fill_(-0.5)
    return encoder


def final_norm_bias(encoder: CLIPTextModel) -> str:
    return next(name for name, _ in encoder.named_parameters() if name.endswith("final_layer_norm.bias"))


def autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 16, 16), down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3, layers_per_block=1, latent_channels=4, norm_num_groups=4,
        sample_size=SIZE,
    )  # fmt: skip


def unet(channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8, in_channels=channels, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, attention_head_dim=2, norm_num_groups=4,
    )  # fmt: skip


def save_diffusion(folder: Path, *, scheduler: str = "pndm", channels: int = 4) -> Path:
    """A Stable Diffusion folder (`channels` 8: InstructPix2Pix); returns the path of its record."""
    torch.manual_seed(0)
    tokenizer = clip_tokenizer()
    schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    kinds = {
        "pndm": PNDMScheduler(**schedule, skip_prk_steps=True, set_alpha_to_one=False),
        "ddim": DDIMScheduler(**schedule, prediction_type="v_prediction", clip_sample=False),
    }
    pipeline = StableDiffusionPipeline if channels == 4 else StableDiffusionInstructPix2PixPipeline
    pipeline(
        vae=autoencoder(), unet=unet(channels), text_encoder=text_encoder(tokenizer), tokenizer=tokenizer,
        scheduler=kinds[scheduler], safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    return record(folder)


def blip_config(tokenizer: BertTokenizer) -> BlipConfig:
    return BlipConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "encoder_hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 40,
            "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.sep_token_id,
            "sep_token_id": tokenizer.sep_token_id, "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": SIZE, "patch_size": 8,
        },
        projection_dim=16,
        image_text_hidden_size=16,
    )  # fmt: skip


def save_blip(folder: Path, *, kind: type = BlipForConditionalGeneration) -> Path:
    torch.manual_seed(1)
    tokenizer = bert_tokenizer()
    model = kind(blip_config(tokenizer)).eval()
    with torch.no_grad():
        # Random weights hardly look at the image; larger ones make captions differ.
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1)
    model.save_pretrained(folder)
    size = {"height": SIZE, "width": SIZE}
    BlipProcessor(BlipImageProcessor(size=size), tokenizer).save_pretrained(folder)
    return record(folder)


def save_blip_retrieval(folder: Path) -> Path:
    return save_blip(folder, kind=BlipForImageTextRetrieval)


def save_clip(folder: Path) -> Path:
    torch.manual_seed(2)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = clip_tokenizer(64)
    tokenizer.save_pretrained(folder)
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": SIZE, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {
            "context_length": 64, "vocab_size": len(tokenizer), "width": 32, "heads": 2, "layers": 2,
            "hf_tokenizer_name": "local",
        },
    }  # fmt: skip
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3}
    description = {"model_cfg": config, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(description))
    vision, text = open_clip.CLIPVisionCfg(**config["vision_cfg"]), open_clip.CLIPTextCfg(**config["text_cfg"])
    save_file(open_clip.CLIP(16, vision, text).state_dict(), folder / "open_clip_model.safetensors")
    return record(folder)


def random_pictures(count: int, *, size: int = SIZE, seed: int = 0) -> np.ndarray:
    """uint8 (count, size, size, 3), smooth enough to differ in more than noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(picture).resize((size, size))) for picture in coarse])


def picture_table(count: int, *, size: int = SIZE, seed: int = 0) -> pa.Table:
    """An image table of `count` random pictures, labels 0 and 1 in turn."""
    encoded = [encode(Image.fromarray(picture)) for picture in random_pictures(count, size=size, seed=seed)]
    return image_rows([f"train/{i:03d}" for i in range(count)], encoded, [i % 2 for i in range(count)])
