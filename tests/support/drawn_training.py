"""Tiny networks and sets of drawn shapes, as tests of training use them."""

import numpy as np
import torch

from sgid.backbones import Backbone
from sgid.composition import TrainingSet
from sgid.miniature.world import SHAPES, draw
from sgid.online import Online
from sgid.predictions import Pictures
from sgid.training import fit_classifier

RESNET = {
    "library": "timm",
    "name": "resnet18",
    "options": {
        "layers": [1, 1, 1, 1],
        "channels": [16, 32, 64, 64],
        "stem_type": "deep",
        "stem_width": 8,
        "zero_init_last": False,
        "output_stride": 8,
    },
    "exchange_after": "maxpool",
    "view": {"resize": 32, "crop": 32, "size": 32, "padding": 2, "mean": [0.5] * 3, "std": [0.25] * 3},
    "recipe": {
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "weight_decay": 5e-4,
        "epochs": 2,
        "batch_size": 16,
        "warmup": 0.1,
    },
}
PROBE = RESNET | {
    "train": "head",
    "view": RESNET["view"] | {"padding": 0, "flip": False},
    "recipe": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.0, "epochs": 4, "batch_size": 8},
}
# Draws from torch's own stream in every forward pass: dropped patches, paths and entries.
RANDOM_VIT = RESNET | {
    "name": "vit_tiny_patch16_224",
    "options": {
        "img_size": 32,
        "patch_size": 8,
        "embed_dim": 16,
        "depth": 2,
        "num_heads": 2,
        "global_pool": "avg",
        "drop_path_rate": 0.3,
        "proj_drop_rate": 0.2,
        "patch_drop_rate": 0.25,
    },
    "exchange_after": "patch_embed",
    "recipe": {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.05, "epochs": 2, "batch_size": 16},
}


def with_recipe(entry: dict, **changes) -> dict:
    """A registry entry whose recipe differs in some values."""
    return entry | {"recipe": entry["recipe"] | changes}


def drawn_set(count: int, *, seed: int = 0) -> TrainingSet:
    """So many drawn pictures, the shapes by turns, none of them generated."""
    shapes = np.arange(count) % len(SHAPES)
    drawings = draw(np.random.default_rng(seed), count, target_share=0.0, shapes=shapes)
    labels, generated = torch.from_numpy(drawings.fields["shape"]), torch.zeros(count, dtype=torch.bool)
    return TrainingSet(torch.from_numpy(drawings.images), labels, generated, torch.arange(count))


def drawn_pictures(count: int, *, seed: int = 1) -> Pictures:
    """So many drawn pictures to measure on."""
    pictures = drawn_set(count, seed=seed)
    return Pictures([f"drawn/{number:04d}" for number in range(count)], pictures.images, pictures.labels)


def fit(entry: dict, training_set: TrainingSet, *, seed: int = 1, online: dict | None = None, **how):
    """A classifier of a registry entry, and its history."""
    chosen = Online.from_config(online or {})
    return fit_classifier(
        Backbone.from_config(entry), training_set, classes=len(SHAPES), seed=seed, online=chosen, **how
    )


def parameters_of(model: torch.nn.Module) -> torch.Tensor:
    """All weights and buffers in one vector."""
    return torch.cat([value.detach().double().flatten() for value in model.state_dict().values()])
