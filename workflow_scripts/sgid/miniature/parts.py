"""The tiny models by name, and their way into the folder that is committed."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from sgid.miniature.autoencoder import train_autoencoder
from sgid.miniature.captioner import train_captioner
from sgid.miniature.classifiers import train_evaluator, train_vit
from sgid.miniature.contrastive import train_clip
from sgid.miniature.diffusion import train_diffusion
from sgid.miniature.instructor import train_instructor
from sgid.miniature.sentences import train_sentences

TRAINERS: dict[str, Callable[..., None]] = {
    "vae": train_autoencoder,
    "stable_diffusion": train_diffusion,
    "instruct_pix2pix": train_instructor,
    "blip": train_captioner,
    "clip": train_clip,
    "t5": train_sentences,
    "vit": train_vit,
    "evaluator": train_evaluator,
}


def install(folders: Sequence[Path], home: Path) -> None:
    """Put each trained model into `home`. The VAE alone goes as its record: its weights are part of the pipeline."""
    for folder in folders:
        keep = shutil.ignore_patterns("*.safetensors", "config.json") if folder.name == "vae" else None
        shutil.copytree(folder, home / folder.name, ignore=keep, dirs_exist_ok=True)
