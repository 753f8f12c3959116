"""Tiny CLIP in open_clip's `local-dir:` layout (open_clip_config.json, safetensors, tokenizer)."""

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from torch.nn import functional

from sgid.miniature import world
from sgid.miniature.auxiliary import ShapeHeads, tensors_of
from sgid.miniature.fit import STYLES, Recipe, draw_pool, fit, held_out, to_tensor, write_record
from sgid.miniature.grammar import EXACT, LABEL, LOOSE, Sentences, exact_caption, true_of
from sgid.miniature.tokenizers import CLIP_CONTEXT, clip_tokenizer

RECIPE = Recipe(steps=3500, batch=64, learning_rate=2e-3, seed=13)
WIDTH, PATCH = 64, 4
VISION = {"image_size": world.SIZE, "layers": 3, "width": WIDTH, "head_width": 16, "patch_size": PATCH}
TEXT = {"context_length": CLIP_CONTEXT, "width": WIDTH, "heads": 4, "layers": 2, "hf_tokenizer_name": "."}
SETTINGS = {"embed_dim": WIDTH, "vision_cfg": VISION, "text_cfg": TEXT}
PREPROCESSING = {
    "size": world.SIZE,
    "mode": "RGB",
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
SCALE = 100.0
# The real ViT-B/32 gives true pairs cosines of about 0.2 to 0.35, where f(s*) is 1.21 to 1.25; left alone, this tiny
# one settles near 0.6, where f(s*) is below 1 and guidance pulls away from the prompt.
TRUE_COSINE, LEVEL_WEIGHT = 0.3, 20.0


def train_clip(folder: Path, recipe: Recipe = RECIPE) -> None:
    """Train with the contrastive loss, the shape heads and a level for true pairs; save to `folder`."""
    torch.manual_seed(recipe.seed)
    tokenizer = clip_tokenizer(folder, CLIP_CONTEXT)
    settings = SETTINGS | {"text_cfg": TEXT | {"vocab_size": len(tokenizer)}}
    model = clip_network(settings)
    heads = ShapeHeads(WIDTH, PATCH)
    drawings = draw_pool(recipe)
    images = to_tensor(drawings.images)
    masks, fields = tensors_of(drawings)
    matrix = np.stack([drawings.fields[name] for name in world.FIELDS], 1)
    sentences = Sentences(drawings, (EXACT, *LOOSE, LABEL))
    tokens = tokenizer(sentences.texts, padding="max_length", max_length=CLIP_CONTEXT, return_tensors="pt").input_ids
    index = torch.from_numpy(sentences.index)
    seen: list[torch.Tensor] = []
    model.visual.transformer.register_forward_hook(lambda module, inputs, output: seen.append(output))

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        said = index[random_templates(len(rows), generator), rows]
        pictures = functional.normalize(model.encode_image(images[rows]), dim=-1)
        texts = functional.normalize(model.encode_text(tokens[said]), dim=-1)
        also_true = torch.from_numpy(true_of(sentences.stated[said.numpy()], matrix[rows.numpy()]))
        shape = heads.loss(seen.pop()[:, 1:], masks[rows], {k: v[rows] for k, v in fields.items()}, weights=(3.0, 0.5))
        return contrastive_loss(texts @ pictures.T, also_true) + shape

    history = fit([*model.parameters(), *heads.parameters()], loss_of, recipe)
    save_clip(model, folder, settings=settings)
    write_record(folder, recipe, settings, history, quality(folder, recipe))


def clip_network(settings: dict) -> open_clip.CLIP:
    """The untrained model of these settings, which are those of the saved configuration."""
    text = {key: value for key, value in settings["text_cfg"].items() if key != "hf_tokenizer_name"}
    return open_clip.CLIP(settings["embed_dim"], vision_cfg=settings["vision_cfg"], text_cfg=text)


def random_templates(count: int, generator: torch.Generator) -> torch.Tensor:
    """Index into (EXACT, *LOOSE, LABEL): 40 % exact, 20 % the label sentence, else loose."""
    draw = torch.rand(count, generator=generator)
    loose = torch.randint(1, 1 + len(LOOSE), (count,), generator=generator)
    return torch.where(draw < 0.4, 0, torch.where(draw < 0.6, 1 + len(LOOSE), loose))


def contrastive_loss(cosine: torch.Tensor, also_true: torch.Tensor) -> torch.Tensor:
    """Symmetric InfoNCE, where a text that is true of another picture is no negative, and the level of true pairs.

    cosine: (B, B), texts by pictures, pairs on the diagonal; also_true: bool (B, B), text i is true of picture j.
    """
    own = torch.eye(len(cosine), dtype=torch.bool)
    logits = (SCALE * cosine).masked_fill(also_true & ~own, -torch.inf)
    target = torch.arange(len(cosine))
    both_ways = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    level = (cosine.diagonal().mean() - TRUE_COSINE) ** 2
    return both_ways / 2 + LEVEL_WEIGHT * level


def save_clip(model: open_clip.CLIP, folder: Path, *, settings: dict) -> None:
    """Weights and configuration in the layout that open_clip's `local-dir:` reads."""
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    config = {"model_cfg": settings, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")


@torch.no_grad()
def quality(folder: Path, recipe: Recipe = RECIPE) -> dict[str, float]:
    """By style: share of pictures whose shape the label sentence finds, and the mean cosine of true exact captions."""
    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    labels = model.encode_text(tokenizer([LABEL.format(shape=shape) for shape in world.SHAPES]), normalize=True)
    found = {}
    for style, share in STYLES.items():
        drawings = held_out(recipe, target_share=share)
        pictures = model.encode_image(to_tensor(drawings.images), normalize=True)
        exact = tokenizer([exact_caption(drawings.words(index)) for index in range(len(drawings))])
        right = (pictures @ labels.T).argmax(1).numpy() == drawings.fields["shape"]
        found[f"shape_right_{style}"] = float(right.mean())
        cosine = (pictures * model.encode_text(exact, normalize=True)).sum(1)
        found[f"true_cosine_{style}"] = round(float(cosine.mean()), 3)
    return found
