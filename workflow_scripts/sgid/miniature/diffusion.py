"""Tiny Stable Diffusion in diffusers' layout: UNet2DConditionModel and CLIPTextModel, trained together.

The scheduler is PNDM, as in stable-diffusion-v1-5; unlike there the UNet predicts v, which learns faster at this
size. Pipelines take both from the saved scheduler configuration.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from sgid.miniature import world
from sgid.miniature.fit import STYLES, Recipe, draw_pool, fit, held_out, to_tensor, write_record
from sgid.miniature.grammar import EXACT, LABEL, LOOSE, Sentences
from sgid.miniature.tokenizers import SD_CONTEXT, clip_tokenizer

RECIPE = Recipe(steps=9000, batch=32, learning_rate=1e-3, seed=14, ema=0.999)
WIDTH = 64
SETTINGS = {
    "unet": {
        "sample_size": world.SIZE // 4,
        "block_out_channels": [64, 96],
        "layers_per_block": 1,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
        "cross_attention_dim": WIDTH,
        "norm_num_groups": 16,
    },
    "text_encoder": {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": WIDTH,
        "max_position_embeddings": SD_CONTEXT,
    },
    "scheduler": {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "num_train_timesteps": 1000,
        "skip_prk_steps": True,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "prediction_type": "v_prediction",
    },
}
# The prompts of every stage occur in training: none (the unconditional half), label, caption, label and caption.
EMPTY, LABELS, CAPTIONS = 0.12, 0.30, 0.60


def train_diffusion(folder: Path, vae_folder: Path, recipe: Recipe = RECIPE) -> None:
    """Train UNet and text encoder on the VAE's latents, and save a whole StableDiffusionPipeline to `folder`."""
    torch.manual_seed(recipe.seed)
    pipeline = untrained_pipeline(folder, vae_folder)
    unet, text_encoder, alphas = pipeline.unet, pipeline.text_encoder, pipeline.scheduler.alphas_cumprod
    drawings = draw_pool(recipe)
    means, deviations = latent_moments(pipeline.vae, drawings)
    tokens, index = prompt_tokens(pipeline.tokenizer, drawings)

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        clean = means[rows] + deviations[rows] * torch.randn(means[rows].shape, generator=generator)
        noise, step = corruption(clean, generator)
        prompt = text_encoder(tokens[index[random_prompts(len(rows), generator), rows]]).last_hidden_state
        return velocity_loss(unet, alphas, clean, prompt=prompt, noise=noise, step=step)

    history = fit([*unet.parameters(), *text_encoder.parameters()], loss_of, recipe)
    # In half precision (readers load it as float32): rounding moves no picture visibly and halves the repository.
    pipeline.to(torch.float16).save_pretrained(folder)
    write_record(folder, recipe, SETTINGS, history, quality(folder, recipe))


def untrained_pipeline(folder: Path, vae_folder: Path) -> StableDiffusionPipeline:
    """The trained VAE with a new UNet and text encoder; their weights come from torch's global random state."""
    tokenizer = clip_tokenizer(folder / "tokenizer", SD_CONTEXT)
    vae = AutoencoderKL.from_pretrained(vae_folder)
    # Else the folder of the machine that trained it would be saved, and committed.
    vae.register_to_config(_name_or_path="vae")
    return StableDiffusionPipeline(
        vae=vae,
        unet=UNet2DConditionModel(**SETTINGS["unet"]),
        text_encoder=CLIPTextModel(text_config(tokenizer)),
        tokenizer=tokenizer,
        scheduler=PNDMScheduler(**SETTINGS["scheduler"]),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def corruption(clean: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Standard normal noise (B, 4, 8, 8) and a step in [0, 1000) for each of the latents `clean`, in this order."""
    noise = torch.randn(clean.shape, generator=generator)
    return noise, torch.randint(SETTINGS["scheduler"]["num_train_timesteps"], (len(clean),), generator=generator)


def velocity_loss(
    unet: UNet2DConditionModel,
    alphas: torch.Tensor,
    clean: torch.Tensor,
    *,
    prompt: torch.Tensor,
    noise: torch.Tensor,
    step: torch.Tensor,
) -> torch.Tensor:
    """Mean squared error of v = √α·noise − √(1−α)·clean; latents (B, 4, 8, 8), prompt (B, 77, 64), step (B,)."""
    signal, sigma = (each.sqrt()[:, None, None, None] for each in (alphas[step], 1 - alphas[step]))
    predicted = unet(signal * clean + sigma * noise, step, prompt).sample
    return functional.mse_loss(predicted, signal * noise - sigma * clean)


@torch.no_grad()
def quality(folder: Path, recipe: Recipe = RECIPE) -> dict[str, float]:
    """By style: the training's loss on pictures outside the corpus, with their exact captions behind the label.

    What the pictures drawn by it are worth is measured in the demo (`sgid.miniature.quality`).
    """
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, dtype=torch.float32)
    found = {}
    for style, share in STYLES.items():
        drawings = held_out(recipe, target_share=share)
        clean, _ = latent_moments(pipeline.vae, drawings)
        tokens, index = prompt_tokens(pipeline.tokenizer, drawings)
        prompt = pipeline.text_encoder(tokens[index[2 + 1 + len(LOOSE)]]).last_hidden_state
        noise, step = corruption(clean, torch.Generator().manual_seed(recipe.seed))
        alphas = pipeline.scheduler.alphas_cumprod
        loss = velocity_loss(pipeline.unet, alphas, clean, prompt=prompt, noise=noise, step=step)
        found[f"velocity_loss_{style}"] = round(float(loss), 4)
    return found


def text_config(tokenizer: CLIPTokenizer) -> CLIPTextConfig:
    """The settings with the vocabulary and special tokens of the tokenizer."""
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return CLIPTextConfig(
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **ids, **SETTINGS["text_encoder"]
    )


@torch.no_grad()
def latent_moments(vae: AutoencoderKL, drawings: world.Drawings) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each picture's latents, both (N, 4, 8, 8)."""
    posteriors = [vae.encode(part).latent_dist for part in to_tensor(drawings.images).split(500)]
    return torch.cat([p.mean for p in posteriors]), torch.cat([p.std for p in posteriors])


def prompt_templates() -> tuple[str, ...]:
    """Empty; label; each caption; each caption behind the label, in the form of the paper's prompt (section 3.2)."""
    captions = (EXACT, *LOOSE)
    label = LABEL.replace("a picture", "A picture")
    return ("", f"{label}.", *captions, *(f"{label}, {caption}." for caption in captions))


def prompt_tokens(tokenizer: CLIPTokenizer, drawings: world.Drawings) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids of all distinct prompts (prompts, 77), and which of them each template gives each drawing."""
    sentences = Sentences(drawings, prompt_templates())
    tokens = tokenizer(sentences.texts, padding="max_length", max_length=SD_CONTEXT, return_tensors="pt").input_ids
    return tokens, torch.from_numpy(sentences.index)


def random_prompts(count: int, generator: torch.Generator) -> torch.Tensor:
    """Index into `prompt_templates()`: a kind by its share, then an exact caption half of the time."""
    kind = torch.rand(count, generator=generator)
    loose = torch.randint(1, 1 + len(LOOSE), (count,), generator=generator)
    caption = torch.where(torch.rand(count, generator=generator) < 0.5, 0, loose)
    behind_label = 2 + 1 + len(LOOSE) + caption
    choice = torch.where(kind < CAPTIONS, 2 + caption, behind_label)
    return torch.where(kind < EMPTY, 0, torch.where(kind < LABELS, 1, choice))
