"""Two small classifiers: a ViT pre-trained on clean drawings, and the evaluator, which judges.

The ViT stands for one pre-trained with labels on a large clean corpus (ImageNet-21k): it learns all fields of the web
style and has never seen the target style of the experiment. The evaluator knows both, and says whether a picture
still shows its own shape.
"""

import itertools
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from sgid.miniature import world
from sgid.miniature.auxiliary import ShapeHeads, tensors_of
from sgid.miniature.fit import STYLES, Recipe, draw_pool, fit, held_out, to_tensor, write_record

VIT_RECIPE = Recipe(steps=1500, batch=64, learning_rate=2e-3, seed=16, target_share=0.0)
VIT = {
    "model": "vit_tiny_patch16_224",
    "img_size": 32,
    "patch_size": 4,
    "embed_dim": 64,
    "depth": 4,
    "num_heads": 4,
    "global_pool": "avg",
}
EVALUATOR_RECIPE = Recipe(steps=2500, batch=64, learning_rate=3e-3, seed=17, target_share=0.5)
EVALUATOR = {"channels": [24, 48, 96], "classes": len(world.SHAPES)}


def train_vit(folder: Path, recipe: Recipe = VIT_RECIPE) -> None:
    """Train on every field of clean drawings, with the mask loss on patch tokens; save timm's state to `folder`."""
    torch.manual_seed(recipe.seed)
    model = vit_network()
    heads = ShapeHeads(VIT["embed_dim"], VIT["patch_size"])
    drawings = draw_pool(recipe)
    images = to_tensor(drawings.images)
    masks, fields = tensors_of(drawings)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        tokens = model.forward_features(images[rows])
        return heads.loss(tokens[:, 1:], masks[rows], {k: v[rows] for k, v in fields.items()}, weights=(3.0, 1.0))

    history = fit([*model.parameters(), *heads.parameters()], loss_of, recipe)
    save_file(model.state_dict(), folder / "model.safetensors")
    write_record(folder, recipe, VIT, history, vit_quality(folder, recipe))


def vit_network() -> torch.nn.Module:
    """Timm's ViT at the size of the miniature, without a head."""
    options = {name: value for name, value in VIT.items() if name != "model"}
    return timm.create_model(VIT["model"], pretrained=False, num_classes=0, **options)


@torch.no_grad()
def vit_quality(folder: Path, recipe: Recipe = VIT_RECIPE) -> dict[str, float]:
    """By style: share of the even pictures whose features lie nearest to their own shape's mean over the odd ones."""
    model = vit_network()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    model.eval()
    found = {}
    for style, share in STYLES.items():
        drawings = held_out(recipe, target_share=share)
        features = functional.normalize(model(to_tensor(drawings.images)), dim=1)
        shapes = torch.from_numpy(drawings.fields["shape"])
        centres = torch.stack([features[1::2][shapes[1::2] == index].mean(0) for index in range(len(world.SHAPES))])
        nearest = torch.cdist(features[::2], centres).argmin(1).numpy()
        found[f"nearest_centre_{style}"] = float(np.mean(nearest == shapes[::2].numpy()))
    return found


def evaluator_network() -> torch.nn.Sequential:
    """Plain convolutions, float32 (N, 3, 32, 32) in [-1, 1] to logits (N, 8)."""
    widths = [3, *EVALUATOR["channels"]]
    blocks = [
        layer
        for before, after in itertools.pairwise(widths)
        for layer in (
            torch.nn.Conv2d(before, after, 3, stride=2 if before > 3 else 1, padding=1),
            torch.nn.BatchNorm2d(after),
            torch.nn.ReLU(),
            torch.nn.Conv2d(after, after, 3, padding=1),
            torch.nn.BatchNorm2d(after),
            torch.nn.ReLU(),
        )
    ]
    features = 16 * widths[-1]
    head = (torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(features, EVALUATOR["classes"]))
    return torch.nn.Sequential(*blocks, *head)


def train_evaluator(folder: Path, recipe: Recipe = EVALUATOR_RECIPE) -> None:
    """Train on the shapes in both styles, and save the state to `folder`."""
    torch.manual_seed(recipe.seed)
    model = evaluator_network()
    drawings = draw_pool(recipe)
    images, shapes = to_tensor(drawings.images), torch.from_numpy(drawings.fields["shape"])

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return functional.cross_entropy(model(images[rows]), shapes[rows])

    history = fit(model.parameters(), loss_of, recipe)
    save_file(model.state_dict(), folder / "model.safetensors")
    write_record(folder, recipe, EVALUATOR, history, evaluator_quality(folder, recipe))


def load_evaluator(folder: Path) -> torch.nn.Sequential:
    """The trained evaluator, ready to judge."""
    model = evaluator_network()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


@torch.no_grad()
def shapes_seen(evaluator: torch.nn.Sequential, images: np.ndarray) -> np.ndarray:
    """The class that the evaluator sees in each picture; images are uint8 (N, 32, 32, 3)."""
    return torch.cat([evaluator(part).argmax(1) for part in to_tensor(images).split(500)]).numpy()


def evaluator_quality(folder: Path, recipe: Recipe = EVALUATOR_RECIPE) -> dict[str, float]:
    """Accuracy by style."""
    evaluator, found = load_evaluator(folder), {}
    for style, share in STYLES.items():
        drawings = held_out(recipe, target_share=share)
        found[f"accuracy_{style}"] = float(np.mean(shapes_seen(evaluator, drawings.images) == drawings.fields["shape"]))
    return found
