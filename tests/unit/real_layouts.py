"""Tiny models, laid out as the repositories of the configured ones, with all that must not be fetched beside them."""

import json
import shutil
from pathlib import Path

import timm
import torch
from hub_server import files_under
from model_hub import PICKLE
from safetensors.torch import save_file
from sentencepiece import SentencePieceNormalizer
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tiny_models import RECORD, SIZE, bert_tokenizer, save_blip, save_clip, save_diffusion
from transformers import BlipImageProcessor, T5Config, T5ForConditionalGeneration

CODE = {"modeling.py": b"raise SystemExit('never run')", "README.md": b"A model.", ".gitattributes": b""}


def blip_repository(folder: Path) -> dict[str, bytes]:
    """As Salesforce/blip-image-captioning-base: a preprocessor and a vocabulary, no processor_config.json."""
    save_blip(folder)
    (folder / "processor_config.json").unlink()
    BlipImageProcessor(size={"height": SIZE, "width": SIZE}).save_pretrained(folder)
    vocabulary = sorted(bert_tokenizer().get_vocab().items(), key=lambda each: each[1])
    (folder / "vocab.txt").write_text("\n".join(word for word, _ in vocabulary))
    return whole(folder) | dict.fromkeys(("pytorch_model.bin", "tf_model.h5"), PICKLE)


def clip_repository(folder: Path) -> dict[str, bytes]:
    """As timm/vit_base_patch32_clip_224.openai: open_clip's files beside those of timm and of transformers."""
    save_clip(folder)
    others = ("open_clip_pytorch_model.bin", "pytorch_model.bin", "model.safetensors", "config.json")
    return whole(folder) | dict.fromkeys(others, PICKLE)


def diffusion_repository(folder: Path, *, channels: int = 4) -> dict[str, bytes]:
    """As Stable Diffusion v1-5: a safety checker, a feature extractor, weights in half precision and of training."""
    save_diffusion(folder, channels=channels)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    vocabulary = json.loads((folder / "tokenizer/tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer/vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer/merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer/tokenizer.json").unlink()
    extractor = {"image_processor_type": "CLIPImageProcessor", "size": SIZE, "crop_size": SIZE}
    others = [
        *("safety_checker/model.safetensors", "safety_checker/pytorch_model.bin", "safety_checker/config.json"),
        *("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.non_ema.safetensors", "unet/model.onnx"),
        *("v1-5-pruned.safetensors", "v1-5-pruned-emaonly.ckpt", "text_encoder/pytorch_model.bin"),
    ]
    files = whole(folder) | {"feature_extractor/preprocessor_config.json": json.dumps(extractor).encode()}
    half = {
        name.replace(".safetensors", ".fp16.safetensors"): data
        for name, data in files.items()
        if name.endswith(".safetensors")
    }
    return files | half | dict.fromkeys(others, PICKLE)


def t5_repository(folder: Path) -> dict[str, bytes]:
    """As mrm8488/t5-base-finetuned-common_gen: the tokenizer is a SentencePiece model and nothing else."""
    torch.manual_seed(3)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(
        sentencepiece_model(["small", "red", "circle", *"abcdefghijklmnopqrstuvwxyz"])
    )
    special = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    special |= {"additional_special_tokens": [f"<extra_id_{i}>" for i in range(100)]}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512}))
    config = T5Config(vocab_size=160, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    return whole(folder) | dict.fromkeys(("pytorch_model.bin", "training_args.bin"), PICKLE)


def sentencepiece_model(words: list[str]) -> bytes:
    """A unigram model with T5's special pieces and T5's normalisation."""
    model = ModelProto.FromString(SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    for piece, kind in (("<pad>", 3), ("</s>", 3), ("<unk>", 2)):
        model.pieces.add(piece=piece, score=0.0, type=kind)
    for rank, piece in enumerate(["▁", *(f"▁{word}" for word in words), *words]):
        model.pieces.add(piece=piece, score=-2.0 - rank)
    model.trainer_spec.model_type, model.trainer_spec.unk_id = 1, 2
    return model.SerializeToString()


def vit_repository(folder: Path, name: str, options: dict) -> dict[str, bytes]:
    """As timm/vit_base_patch16_224.augreg_in21k: weights with the head of the pre-training task."""
    torch.manual_seed(4)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        timm.create_model(name, pretrained=False, num_classes=5, **options).state_dict(), folder / "model.safetensors"
    )
    (folder / "config.json").write_text(json.dumps({"architecture": name}))
    return whole(folder) | {"pytorch_model.bin": PICKLE}


def whole(folder: Path) -> dict[str, bytes]:
    """The saved files without the tests' own record, and what every repository has besides; the folder is removed."""
    files = files_under(folder)
    files.pop(RECORD, None)
    shutil.rmtree(folder)
    return files | CODE
