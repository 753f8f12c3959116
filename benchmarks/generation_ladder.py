"""What each step towards speed gives when images are drawn, one rung after another, in one run.

    python benchmarks/generation_ladder.py                  the committed tiny Stable Diffusion, on the CPU
    python benchmarks/generation_ladder.py --true-sizes     Stable Diffusion v1-5's architecture, 512 pixels, on a GPU

G0  ceilings of the device: a large matrix product in the precision that is used, a copy in memory
G1  UNet evaluations a second: one picture in float32, then the precision, more pictures, channels last, torch.compile
G2  a shard by image-to-image, from table to pack, at each noise rate, guided (g = 1.25) and not (g = 1), against
    diffusers' documented loop; diffusers leaves the unconditional half out at 1 as well
G4  a shard by text-to-image and by InstructPix2Pix, against their pipelines, one image a call

Random weights, random inputs; the time that torch.compile takes at first is given apart. A share of the ceiling is
counted from 803.3 GFLOP an evaluation of the true UNet. Writes benchmarks/results/generation-ladder-{tiny,true}.json.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generation as whole
import pyarrow as pa
import torch
import transformers
from diffusers import StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline, UNet2DConditionModel

from sgid.datasets.drawn import draw_split
from sgid.generators.denoising import Diffusion, compile_parts
from sgid.generators.generation import Generation
from sgid.image_table import fitted, pictures_of

TRUE_FLOP = 803.3e9  # of one evaluation of Stable Diffusion v1-5's UNet at 64 x 64, counted on the architecture
RATES = ("0.3", "0.5", "0.7")
REPETITIONS = 5


def seconds_of(work: Callable, device: str) -> float:
    """The median over some repetitions, after one to warm up."""
    return sorted(whole.timings(work, device, runs=REPETITIONS))[REPETITIONS // 2]


def ceilings(device: str, dtype: torch.dtype, side: int) -> dict[str, float]:
    """G0: TFLOP/s of a matrix product and GB/s of a copy, read and written bytes counted."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    target = torch.empty_like(left)
    product = seconds_of(lambda: torch.mm(left, right, out=target), device)
    copy = seconds_of(lambda: target.copy_(left), device)
    moved = 2 * left.numel() * left.element_size()
    return {
        "matrix_tflop_a_second": rounded(2 * side**3 / product / 1e12),
        "copy_gb_a_second": rounded(moved / copy / 1e9),
    }


def evaluations(model: Diffusion, pictures: int) -> float:
    """UNet evaluations a second, two for each picture as guidance needs them."""
    side, width = model.unet.config.sample_size, model.unet.config.cross_attention_dim
    latents = torch.randn(2 * pictures, 4, side, side, device=model.device, dtype=model.dtype)
    states = torch.randn(2 * pictures, 77, width, device=model.device, dtype=model.dtype)
    step = torch.tensor(500, device=model.device)

    @torch.inference_mode()
    def work() -> None:
        model.unet(latents, step, encoder_hidden_states=states)

    return 2 * pictures / seconds_of(work, model.device)


def ladder(make: Callable[[str, str], Diffusion], device: str, *, dtype: str, batches: list[int]) -> list[dict]:
    """G1, a line for each rung."""
    rungs = [rung("one picture, float32", evaluations(make(device, "float32"), 1))]
    model = make(device, dtype)
    rungs += [rung(f"{size} pictures, {dtype}", evaluations(model, size)) for size in [1, *batches]]
    model.unet.to(memory_format=torch.channels_last)
    rungs.append(rung(f"{batches[-1]} pictures, {dtype}, channels last", evaluations(model, batches[-1])))
    compile_parts(model.unet)
    began = time.perf_counter()
    evaluations(model, batches[-1])
    first = time.perf_counter() - began
    compiled = rung(f"{batches[-1]} pictures, {dtype}, channels last, compiled", evaluations(model, batches[-1]))
    return [*rungs, compiled | {"seconds_of_the_first_run": rounded(first)}]


def rung(name: str, rate: float) -> dict:
    """One line of the ladder."""
    return {"rung": name, "evaluations_a_second": rounded(rate)}


def at_guidance(originals: pa.Table, guidance: float) -> pa.Table:
    """The benchmark's prompts at another guidance scale."""
    rows = [row | {"guidance": guidance} for row in whole.prompts_for(originals).to_pylist()]
    return pa.Table.from_pylist(rows)


def shards(model: Diffusion, originals: pa.Table, how: Generation, *, few: int) -> list[dict]:
    """G2, a line for each noise rate and guidance."""
    some, lines = originals.slice(0, few), []
    for noise in RATES:
        for guidance in (1.25, 1.0):
            prompts = at_guidance(originals, guidance)
            ours = whole.rate(
                len(originals), lambda p=prompts, n=noise: whole.ours(model, originals, how, n, p), model.device
            )
            loop = whole.rate(
                few, lambda n=noise, g=guidance: whole.diffusers_loop(model, some, how, 1, n, g), model.device
            )
            lines.append({"noise_rate": noise, "guidance": guidance} | against(ours, loop))
    return lines


def others(model: Diffusion, originals: pa.Table, how: Generation, *, few: int) -> list[dict]:
    """G4: the generators that start from pure noise; InstructPix2Pix on the same model with a wider UNet."""
    some, lines = originals.slice(0, few), []
    editor = replace(model, unet=wider(model))
    for name, owner, pipeline, extra in (
        ("text2img", model, StableDiffusionPipeline, False),
        ("instruct-pix2pix", editor, StableDiffusionInstructPix2PixPipeline, True),
    ):
        recipe = replace(how, generator=name)
        prompts = at_guidance(originals, 5.0)
        ours = whole.rate(
            len(originals), lambda o=owner, r=recipe, p=prompts: whole.ours(o, originals, r, "1.0", p), model.device
        )
        pipe = whole.pipeline_of(owner, pipeline)
        loop = whole.rate(few, lambda p=pipe, e=extra: pipeline_loop(p, some, how, with_image=e), model.device)
        lines.append({"generator": name} | against(ours, loop))
    return lines


def wider(model: Diffusion) -> UNet2DConditionModel:
    """The same UNet with eight input channels, random weights."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_config(model.unet.config, in_channels=8)
    return unet.eval().requires_grad_(False).to(model.device, model.dtype)


def pipeline_loop(pipe, originals: pa.Table, how: Generation, *, with_image: bool) -> None:
    """diffusers' pipeline, one image a call."""
    for text, picture in zip(originals["exact_caption"].to_pylist(), pictures_of(originals), strict=True):
        size = {"image": fitted(picture, how.resolution), "image_guidance_scale": 1.2} if with_image else square(how)
        pipe(prompt=text, guidance_scale=5.0, num_inference_steps=how.steps, **size).images[0].convert("RGB")


def square(how: Generation) -> dict[str, int]:
    """Width and height."""
    return {"width": how.resolution, "height": how.resolution}


def against(ours: float, loop: float) -> dict[str, float]:
    """Two rates in images a second, and their ratio."""
    return {"ours": rounded(ours), "loop": rounded(loop), "ratio": rounded(ours / loop)}


def rounded(value: float) -> float:
    """Three figures."""
    return float(f"{value:.3g}")


def main() -> None:
    """Measure, write the report, print it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--true-sizes", action="store_true")
    arguments.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments.add_argument("--images", type=int, default=64)
    arguments.add_argument("--few", type=int, default=8)
    arguments.add_argument("--batches", type=int, nargs="+", default=[4, 16, 32])
    arguments.add_argument("--steps", type=int, default=25)
    arguments.add_argument("--output", type=Path)
    asked = arguments.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    transformers.logging.set_verbosity_error()
    gpu = asked.device.startswith("cuda")
    dtype, kind = (
        ("float16", "true") if asked.true_sizes and gpu else ("float32", "true" if asked.true_sizes else "tiny")
    )
    make = whole.true_model if asked.true_sizes else whole.tiny_model
    resolution = 512 if asked.true_sizes else 32
    drawings = draw_split("bench", asked.images).sort_by("image_id")
    originals = whole.photographs(drawings, 512) if asked.true_sizes else drawings
    how = Generation("img2img", steps=asked.steps, resolution=resolution, batch_size=asked.batches[-1], precision=dtype)
    model = make(asked.device, dtype)
    report = whole.origin(asked.device) | {
        "what": f"{kind} sizes, {resolution} pixels, {asked.steps} steps, {dtype}, batches of {asked.batches[-1]}",
        "images": asked.images,
        "ceilings": ceilings(asked.device, getattr(torch, dtype), 8192 if gpu else 1024),
        "unet": ladder(make, asked.device, dtype=dtype, batches=asked.batches),
        "image_to_image": shards(model, originals, how, few=asked.few),
        "others": others(model, originals, how, few=asked.few),
    }
    if asked.true_sizes:
        reached = report["unet"][-1]["evaluations_a_second"] * TRUE_FLOP / 1e12
        report["share_of_the_matrix_ceiling"] = rounded(reached / report["ceilings"]["matrix_tflop_a_second"])
    path = asked.output or Path(__file__).parent / "results" / f"generation-ladder-{kind}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
