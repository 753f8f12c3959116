"""InstructPix2Pix (Brooks et al. 2023): edit the original by an instruction; text and image each have a guidance.

Needs a UNet with twice the latent channels at its input, as `timbrooks/instruct-pix2pix` has it.
"""

import torch

from sgid.generators.denoising import (
    Batch,
    Diffusion,
    Drawn,
    Predict,
    Sampling,
    denoise,
    finished,
    fresh_scheduler,
    latent_distribution,
    pure_noise,
)


def instruct_pix2pix(model: Diffusion, batch: Batch, how: Sampling) -> Drawn:
    """The whole schedule from pure noise, with the original beside it; `how.strength` has no effect."""
    channels = 2 * model.vae.config.latent_channels
    if model.unet.config.in_channels != channels:
        raise ValueError(
            f"instruct-pix2pix needs a UNet of {channels} input channels and this checkpoint has "
            f"{model.unet.config.in_channels}; name an InstructPix2Pix checkpoint as the recipe's model"
        )
    scheduler = fresh_scheduler(model, how.steps)
    latents = pure_noise(model, scheduler, batch)
    predict = guided_by_image(model, batch, image_guidance=how.image_guidance)
    latents = denoise(scheduler, scheduler.timesteps, latents, predict=predict, batch=batch)
    return finished(model, latents, steps_run=len(scheduler.timesteps))


def guided_by_image(model: Diffusion, batch: Batch, *, image_guidance: float) -> Predict:
    """e_u + g (e_ti - e_i) + g_i (e_i - e_u): text and image, image alone, neither."""
    original = latent_distribution(model, batch.originals).mode()
    images = torch.cat([original, original, torch.zeros_like(original)])
    empty = batch.empty_prompt.expand_as(batch.prompts)
    condition = torch.cat([batch.prompts, empty, empty])
    guidance = batch.guidance.to(model.device, model.dtype).view(-1, 1, 1, 1)

    def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        inputs = torch.cat([torch.cat([latents] * 3), images], dim=1)
        outputs = model.unet(inputs, timestep, encoder_hidden_states=condition, return_dict=False)[0]
        with_both, with_image, with_none = outputs.chunk(3)
        return with_none + guidance * (with_both - with_image) + image_guidance * (with_image - with_none)

    return predict
