"""Tiny AutoencoderKL: 32 x 32 pixels to 4 x 8 x 8 latents of zero mean and unit variance per channel."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch.nn import functional

from sgid.miniature.fit import STYLES, Recipe, draw_pool, fit, held_out, to_tensor, write_record

RECIPE = Recipe(steps=6500, batch=32, learning_rate=2e-3, seed=11, target_share=0.3)
SETTINGS = {
    "block_out_channels": [32, 32, 32],
    "layers_per_block": 0,
    "latent_channels": 4,
    # 8 groups train far slower than 1 with so few channels
    "norm_num_groups": 1,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "mid_block_add_attention": False,
    "sample_size": 32,
    "scaling_factor": 1.0,
}
KL_WEIGHT, EDGE_WEIGHT = 1e-4, 0.5


def train_autoencoder(folder: Path, recipe: Recipe = RECIPE) -> None:
    """Train, normalise the latents, and save to `folder` in diffusers' layout."""
    torch.manual_seed(recipe.seed)
    model = AutoencoderKL(**SETTINGS)
    images = to_tensor(draw_pool(recipe).images)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        picture = images[rows]
        posterior = model.encode(picture).latent_dist
        restored = model.decode(posterior.sample(generator)).sample
        return reconstruction_loss(restored, picture) + KL_WEIGHT * posterior.kl().mean()

    history = fit(model.parameters(), loss_of, recipe)
    normalise_latents(model, images[:4000])
    model.save_pretrained(folder)
    write_record(folder, recipe, SETTINGS, history, quality(folder, recipe))


def reconstruction_loss(restored: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """L1 on pixels and on their horizontal and vertical differences: the edges are the shape."""
    error = restored - picture
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + EDGE_WEIGHT * edges


@torch.no_grad()
def normalise_latents(model: AutoencoderKL, images: torch.Tensor) -> None:
    """Fold each latent channel's mean and standard deviation into the 1 x 1 convolutions around the latents.

    Then `scaling_factor` is 1 and the UNet sees unit variance, with the decoder's output unchanged. The spread is that
    of samples: the KL term leaves some channels unused, whose means hardly vary while their samples are noise.
    """
    posteriors = [model.encode(part).latent_dist for part in images.split(500)]
    means, variances = (torch.cat([getattr(p, name) for p in posteriors]) for name in ("mean", "var"))
    mean, std = means.mean((0, 2, 3)), (means.var((0, 2, 3)) + variances.mean((0, 2, 3))).sqrt()
    channels = len(mean)
    into, out = model.quant_conv, model.post_quant_conv
    into.weight[:channels] /= std[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) / std
    into.bias[channels:] -= 2 * std.log()  # the second half are log-variances
    out.bias += torch.einsum("oc,c->o", out.weight[:, :, 0, 0], mean)
    out.weight *= std[None, :, None, None]


@torch.no_grad()
def quality(folder: Path, recipe: Recipe = RECIPE) -> dict[str, float]:
    """Peak signal-to-noise ratio in dB of the restored picture, by style."""
    model = AutoencoderKL.from_pretrained(folder)
    found = {}
    for style, share in STYLES.items():
        picture = to_tensor(held_out(recipe, target_share=share).images)
        restored = model.decode(model.encode(picture).latent_dist.mean).sample.clamp(-1, 1)
        found[f"psnr_db_{style}"] = round(float(10 * torch.log10(4 / functional.mse_loss(restored, picture))), 2)
    return found
