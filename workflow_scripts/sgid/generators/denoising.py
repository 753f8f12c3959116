"""What all generators share: a latent diffusion model from a folder, and one denoising loop over a batch of images.

The loop is diffusers' own, with two differences that SGID needs: the guidance scale is a number an image, and the
classifier-free formula is evaluated for every scale, where diffusers skips it at 1 and below. Random numbers come
from one generator an image in diffusers' order (VAE sample, then noise), so an image alone equals diffusers' pipeline.
"""

import inspect
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    PNDMScheduler,
    SchedulerMixin,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.utils.torch_utils import randn_tensor
from transformers import CLIPTextModel, CLIPTokenizer

SCHEDULERS = {
    "pndm": PNDMScheduler,
    "ddim": DDIMScheduler,
    "dpm-solver": DPMSolverMultistepScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
}
COMPILERS = ("g++", "clang++", "c++")
Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Diffusion:
    """A Stable Diffusion checkpoint, ready on its device. `scheduler` is a pattern: every batch gets a fresh one."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: SchedulerMixin
    device: str
    dtype: torch.dtype


@dataclass(frozen=True)
class Batch:
    """B images to draw. Embeddings (B, L, D) and (1, L, D) of the empty prompt; guidance (B,); one generator an image.

    `originals` uint8 (B, H, W, 3), already at the model's resolution. `empty_prompt` is None where no picture needs it:
    at a scale of 1, or where the prompt is the empty one, the guided output is the prompt's own.
    """

    originals: np.ndarray
    prompts: torch.Tensor
    empty_prompt: torch.Tensor | None
    guidance: torch.Tensor
    generators: Sequence[torch.Generator]

    def __len__(self) -> int:
        return len(self.generators)


@dataclass(frozen=True)
class Sampling:
    """Steps of the whole schedule, noise rate n in (0, 1] (img2img), image guidance (InstructPix2Pix).

    1.2 is what ALIA uses where it augments with InstructPix2Pix; that model's own default is 1.5.
    """

    steps: int = 50
    strength: float = 1.0
    image_guidance: float = 1.2


@dataclass(frozen=True)
class Drawn:
    """Images uint8 (B, H, W, 3), the number of UNet steps behind each, and a flag each: "", "nan" or "black"."""

    images: np.ndarray
    steps_run: int
    flags: list[str]


def load_diffusion(
    record: str | Path,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    scheduler: str | None = None,
    channels_last: bool = False,
    compiled: bool = False,
) -> Diffusion:
    """The checkpoint (diffusers layout) in the folder of a file, its model.json; `scheduler` None keeps its own.

    `channels_last`: the memory order that a GPU's convolutions want. `compiled`: by torch.compile, at the first batch
    of each shape; raises ValueError where there is no compiler. Neither changes a value but by rounding. The safety
    checker is left out: it blacks out harmless pictures, and a training set must not have holes.
    """
    folder, kind = Path(record).parent, getattr(torch, dtype)
    pipe = StableDiffusionPipeline.from_pretrained(
        folder, safety_checker=None, requires_safety_checker=False, local_files_only=True, dtype=kind
    ).to(device)
    for part in (pipe.vae, pipe.unet, pipe.text_encoder):
        part.eval().requires_grad_(False)
    if channels_last:
        for part in (pipe.vae, pipe.unet):
            part.to(memory_format=torch.channels_last)
    if compiled:
        compile_parts(pipe.unet, pipe.vae.decoder)
    chosen = scheduler_of(pipe.scheduler, scheduler)
    return Diffusion(pipe.vae, pipe.unet, pipe.text_encoder, pipe.tokenizer, chosen, device, kind)


def compile_parts(*parts: torch.nn.Module) -> None:
    """Let torch.compile build each part when it is first called, once for every shape of batch."""
    if not any(map(shutil.which, COMPILERS)):
        raise ValueError("generation.compile: there is no C++ compiler here; install g++, or set it to false")
    for part in parts:
        part.compile(dynamic=False)


def scheduler_of(own: SchedulerMixin, name: str | None) -> SchedulerMixin:
    """The named scheduler with the noise schedule and prediction type of the checkpoint's own."""
    if name is None:
        return own
    if name not in SCHEDULERS:
        raise ValueError(f"generation.scheduler: {name!r} is not defined (have: {', '.join(SCHEDULERS)})")
    return SCHEDULERS[name].from_config(own.config)


def fresh_scheduler(model: Diffusion, steps: int) -> SchedulerMixin:
    """The checkpoint's scheduler without the history that multistep ones (Stable Diffusion's PNDM) keep."""
    scheduler = type(model.scheduler).from_config(model.scheduler.config)
    scheduler.set_timesteps(steps, device=model.device)
    return scheduler


def last_timesteps(scheduler: SchedulerMixin, *, steps: int, strength: float) -> torch.Tensor:
    """Timesteps still to run when noise of rate `strength` in (0, 1] was added: diffusers' int(steps * strength)."""
    run = min(int(steps * strength), steps)
    if run < 1:
        raise ValueError(f"noise rate {strength} of {steps} steps leaves none to run; raise generation.steps")
    begin = (steps - run) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    return scheduler.timesteps[begin:]


def latent_distribution(model: Diffusion, originals: np.ndarray) -> DiagonalGaussianDistribution:
    """The VAE's posterior of uint8 (B, H, W, 3)."""
    pixels = torch.from_numpy(originals).permute(0, 3, 1, 2).float() / 127.5 - 1
    return model.vae.encode(pixels.to(model.device, model.dtype)).latent_dist


def noise_like(latents: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """Standard normal noise in the shape of `latents` (B, C, h, w), row i from generator i.

    Drawn in float32 whatever the model's type, so that a picture starts from the same numbers in every precision.
    """
    noise = randn_tensor(latents.shape, generator=list(generators), device=latents.device, dtype=torch.float32)
    return noise.to(latents.dtype)


def pure_noise(model: Diffusion, scheduler: SchedulerMixin, batch: Batch) -> torch.Tensor:
    """Latents (B, C, h, w) of nothing but noise, for the size of `batch.originals`."""
    scale = 2 ** (len(model.vae.config.block_out_channels) - 1)
    height, width = (side // scale for side in batch.originals.shape[1:3])
    shape = (len(batch), model.vae.config.latent_channels, height, width)
    empty = torch.empty(shape, device=model.device, dtype=model.dtype)
    return noise_like(empty, batch.generators) * scheduler.init_noise_sigma


def denoise(
    scheduler: SchedulerMixin, timesteps: torch.Tensor, latents: torch.Tensor, *, predict: Predict, batch: Batch
) -> torch.Tensor:
    """Run the schedule; `predict(scaled latents, timestep)` is the guided output of the UNet."""
    accepts = inspect.signature(scheduler.step).parameters
    chance = {"generator": list(batch.generators)} if "generator" in accepts else {}
    for timestep in timesteps:
        output = predict(scheduler.scale_model_input(latents, timestep), timestep)
        latents = scheduler.step(output, timestep, latents, return_dict=False, **chance)[0]
    return latents


def guided(model: Diffusion, batch: Batch) -> Predict:
    """Classifier-free guidance e_u + g (e_c - e_u) with g an image, evaluated for every g (paper, section 3.2)."""
    if batch.empty_prompt is None:
        return under_the_prompt(model, batch)
    condition = torch.cat([batch.empty_prompt.expand_as(batch.prompts), batch.prompts])
    guidance = batch.guidance.to(model.device, model.dtype).view(-1, 1, 1, 1)

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        both = model.unet(torch.cat([latents] * 2), timestep, encoder_hidden_states=condition, return_dict=False)[0]
        without, with_prompt = both.chunk(2)
        return without + guidance * (with_prompt - without)

    return predict


def under_the_prompt(model: Diffusion, batch: Batch) -> Predict:
    """The UNet's output under the prompt alone, which is the guided one where g = 1 or the prompt is empty."""

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        return model.unet(latents, timestep, encoder_hidden_states=batch.prompts, return_dict=False)[0]

    return predict


def finished(model: Diffusion, latents: torch.Tensor, *, steps_run: int) -> Drawn:
    """Decode latents (B, C, h, w). Pictures that are not finite come out black and flagged, never silently."""
    decoded = model.vae.decode(latents / model.vae.config.scaling_factor, return_dict=False)[0].float()
    finite = decoded.isfinite().flatten(1).all(dim=1)
    pixels = (decoded.nan_to_num(-1.0, posinf=-1.0, neginf=-1.0) / 2 + 0.5).clamp(0, 1)
    images = (pixels.permute(0, 2, 3, 1).cpu().numpy() * 255).round().astype(np.uint8)
    images[~finite.cpu().numpy()] = 0
    return Drawn(images, steps_run, [flag_of(image, bool(ok)) for image, ok in zip(images, finite, strict=True)])


def flag_of(image: np.ndarray, finite: bool) -> str:
    """What is wrong with a picture of uint8 (H, W, 3): `nan`, `black`, or nothing ("")."""
    if not finite:
        return "nan"
    return "" if image.any() else "black"
