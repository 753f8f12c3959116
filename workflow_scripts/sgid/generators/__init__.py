"""Generators: a batch of originals and prompts in, images out. A new one is a function here and a name in config."""

from collections.abc import Callable

from sgid.generators.denoising import Batch, Diffusion, Drawn, Sampling
from sgid.generators.img2img import img2img
from sgid.generators.instruct_pix2pix import instruct_pix2pix
from sgid.generators.text2img import text2img

GENERATORS: dict[str, Callable[[Diffusion, Batch, Sampling], Drawn]] = {
    "img2img": img2img,
    "text2img": text2img,
    "instruct-pix2pix": instruct_pix2pix,
}
