"""Text2Img (He et al. 2022): pictures from text alone; the original lends nothing but its class and its size."""

from sgid.generators.denoising import (
    Batch,
    Diffusion,
    Drawn,
    Sampling,
    denoise,
    finished,
    fresh_scheduler,
    guided,
    pure_noise,
)


def text2img(model: Diffusion, batch: Batch, how: Sampling) -> Drawn:
    """The whole schedule from pure noise; `how.strength` has no effect."""
    scheduler = fresh_scheduler(model, how.steps)
    latents = pure_noise(model, scheduler, batch)
    latents = denoise(scheduler, scheduler.timesteps, latents, predict=guided(model, batch), batch=batch)
    return finished(model, latents, steps_run=len(scheduler.timesteps))
