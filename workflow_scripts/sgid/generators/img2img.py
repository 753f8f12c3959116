"""SGID's own generator: noise the original's latents to rate n, then denoise them under the prompt (paper, eq. 3)."""

from sgid.generators.denoising import (
    Batch,
    Diffusion,
    Drawn,
    Sampling,
    denoise,
    finished,
    fresh_scheduler,
    guided,
    last_timesteps,
    latent_distribution,
    noise_like,
)


def img2img(model: Diffusion, batch: Batch, how: Sampling) -> Drawn:
    """`how.strength` is the noise rate n: the share of the schedule that is run."""
    scheduler = fresh_scheduler(model, how.steps)
    timesteps = last_timesteps(scheduler, steps=how.steps, strength=how.strength)
    posterior = latent_distribution(model, batch.originals)
    clean = posterior.mean + posterior.std * noise_like(posterior.mean, batch.generators)
    clean = model.vae.config.scaling_factor * clean
    noise = noise_like(clean, batch.generators)
    noised = scheduler.add_noise(clean, noise, timesteps[:1].repeat(len(batch)))
    latents = denoise(scheduler, timesteps, noised, predict=guided(model, batch), batch=batch)
    return finished(model, latents, steps_run=len(timesteps))
