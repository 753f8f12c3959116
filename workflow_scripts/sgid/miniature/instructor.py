"""Tiny InstructPix2Pix (Brooks et al. 2023): the tiny Stable Diffusion taught to edit by an instruction.

As there, the UNet gets the original's latents beside the noisy ones, through new input channels that start at zero, and
instruction and image are left out now and then, so that each can be guided by. The drawing code makes exact pairs: one
shape, one camera, two backgrounds. Unlike there the text encoder is trained on, for it has read no instructions yet.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline, UNet2DConditionModel

from sgid.generators.denoising import Batch, Sampling, load_diffusion
from sgid.generators.instruct_pix2pix import instruct_pix2pix
from sgid.miniature import world
from sgid.miniature.diffusion import corruption, latent_moments, velocity_loss
from sgid.miniature.fit import STYLES, Recipe, fit, write_record
from sgid.miniature.tokenizers import SD_CONTEXT
from sgid.weighting import Weighting, embed_prompts

RECIPE = Recipe(steps=2500, batch=32, learning_rate=5e-4, seed=18, ema=0.999)
INSTRUCTION = "make the background {pattern} {background}"
# Shares of training examples without instruction, without image, without both (the paper's).
NO_TEXT = NO_IMAGE = NEITHER = 0.05
SETTINGS = {"in_channels": 8, "instruction": INSTRUCTION}
CORPUS, HELD_OUT = b"edits", b"held out edits"


def draw_pairs(
    word: bytes, count: int, recipe: Recipe, *, target_share: float
) -> tuple[world.Drawings, world.Drawings]:
    """Originals and the same pictures with another background; a camera's faults are the same in both."""
    rng = np.random.default_rng([int.from_bytes(word), recipe.seed])
    fields = {name: rng.integers(len(values), size=count) for name, values in world.FIELDS.items()}
    edited = fields | {name: rng.integers(len(world.FIELDS[name]), size=count) for name in ("pattern", "background")}
    masks = world.shape_masks(fields["shape"], world.random_geometry(rng, fields["scale"]))
    target, chance = rng.random(count) < target_share, rng.integers(2**63)
    return tuple(coloured(each, masks, target=target, chance=chance) for each in (fields, edited))


def coloured(fields: dict[str, np.ndarray], masks: np.ndarray, *, target: np.ndarray, chance: int) -> world.Drawings:
    """The pictures of some fields and masks, the rows `target` photographed; all else by the seed `chance`."""
    rng = np.random.default_rng(chance)
    canvas = world.compose(rng, fields, masks)
    canvas[target] = world.photograph(np.random.default_rng([chance, 1]), canvas[target])
    return world.Drawings(world.to_uint8(canvas), masks, fields)


def train_instructor(folder: Path, diffusion_folder: Path, recipe: Recipe = RECIPE) -> None:
    """Teach a copy of the tiny Stable Diffusion to edit, and save a whole pipeline of InstructPix2Pix to `folder`."""
    torch.manual_seed(recipe.seed)
    base = StableDiffusionPipeline.from_pretrained(diffusion_folder, safety_checker=None, dtype=torch.float32)
    unet, text_encoder, alphas = widened(base.unet), base.text_encoder, base.scheduler.alphas_cumprod
    originals, edited = draw_pairs(CORPUS, recipe.pool, recipe, target_share=recipe.target_share)
    beside, _ = latent_moments(base.vae, originals)
    means, deviations = latent_moments(base.vae, edited)
    tokens = instruction_tokens(base, edited)
    nothing = base.tokenizer([""], padding="max_length", max_length=SD_CONTEXT, return_tensors="pt").input_ids[0]
    scale = base.vae.config.scaling_factor

    def loss_of(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        clean = scale * (means[rows] + deviations[rows] * torch.randn(means[rows].shape, generator=generator))
        noise, step = corruption(clean, generator)
        lot = torch.rand(len(rows), generator=generator)
        no_text = (lot < NO_TEXT) | (lot > 1 - NEITHER)
        no_image = ((lot >= NO_TEXT) & (lot < NO_TEXT + NO_IMAGE)) | (lot > 1 - NEITHER)
        prompt = text_encoder(torch.where(no_text[:, None], nothing, tokens[rows])).last_hidden_state
        image = torch.where(no_image[:, None, None, None], 0.0, beside[rows])
        editing = Beside(unet, image)
        return velocity_loss(editing, alphas, clean, prompt=prompt, noise=noise, step=step)

    history = fit([*unet.parameters(), *text_encoder.parameters()], loss_of, recipe)
    parts = {name: part for name, part in base.components.items() if name != "image_encoder"}
    pipeline = StableDiffusionInstructPix2PixPipeline(**(parts | {"unet": unet}), requires_safety_checker=False)
    pipeline.vae.register_to_config(_name_or_path="vae")
    pipeline.to(torch.float16).save_pretrained(folder)
    write_record(folder, recipe, SETTINGS, history, {})
    write_record(folder, recipe, SETTINGS, history, quality(folder, recipe))


class Beside:
    """A UNet that is shown an image's latents beside the noisy ones; called as `velocity_loss` calls a UNet."""

    def __init__(self, unet: UNet2DConditionModel, image: torch.Tensor) -> None:
        self.unet, self.image = unet, image

    def __call__(self, latents: torch.Tensor, step: torch.Tensor, prompt: torch.Tensor) -> object:
        return self.unet(torch.cat([latents, self.image], dim=1), step, prompt)


def widened(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same UNet with twice the input channels; the new ones start at zero, so that it begins where it was."""
    wide = UNet2DConditionModel.from_config({**unet.config, "in_channels": 2 * unet.config.in_channels})
    wide.register_to_config(_name_or_path="unet")  # else a folder of the machine that trained it would be committed
    state = unet.state_dict()
    state["conv_in.weight"] = torch.cat([state["conv_in.weight"], torch.zeros_like(state["conv_in.weight"])], dim=1)
    wide.load_state_dict(state)
    return wide


def instructions(edited: world.Drawings) -> list[str]:
    """What to say for each edited picture."""
    return [INSTRUCTION.format(**edited.words(index)) for index in range(len(edited))]


def instruction_tokens(pipeline: StableDiffusionPipeline, edited: world.Drawings) -> torch.Tensor:
    """Token ids (N, 77) of the instructions."""
    return pipeline.tokenizer(
        instructions(edited), padding="max_length", max_length=SD_CONTEXT, return_tensors="pt"
    ).input_ids


@torch.inference_mode()
def quality(folder: Path, recipe: Recipe = RECIPE, *, count: int = 64) -> dict[str, float]:
    """By style: mean error in grey levels of the drawn edits against the exact ones, and of the originals against them.

    On pictures outside the corpus, as the demo draws them (25 steps, text guidance 3, image guidance 1.2).
    """
    model, found = load_diffusion(folder / "model.json"), {}
    for style, share in STYLES.items():
        originals, edited = draw_pairs(HELD_OUT, count, replace(recipe, pool=count), target_share=share)
        shown = {"tokenizer": model.tokenizer, "weighting": Weighting(restore_mean=False)}
        prompts, _ = embed_prompts([[(text, 1.0)] for text in instructions(edited)], model.text_encoder, **shown)
        empty, _ = embed_prompts([[]], model.text_encoder, **shown)
        generators = [torch.Generator().manual_seed(index) for index in range(count)]
        batch = Batch(originals.images, prompts, empty, torch.full((count,), 3.0), generators)
        drawn = instruct_pix2pix(model, batch, Sampling(steps=25)).images.astype(int)
        found[f"error_of_edits_{style}"] = round(float(np.abs(drawn - edited.images).mean()), 2)
        found[f"error_of_originals_{style}"] = round(
            float(np.abs(originals.images.astype(int) - edited.images).mean()), 2
        )
    return found
