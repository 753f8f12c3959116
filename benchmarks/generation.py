"""Drawing a shard by image-to-image, against the loop of diffusers' documentation, in one run.

    python benchmarks/generation.py                     the committed tiny Stable Diffusion, on the CPU
    python benchmarks/generation.py --true-sizes        Stable Diffusion v1-5's architecture, 512 pixels, random weights

`ours`: prompts weighted, pictures drawn in batches of different images with a guidance of their own each, encoded and
committed to a pack on the disk. `loop`: diffusers' image-to-image pipeline, one image a call, saved as PNG, as its
documentation shows it. `batches`: the same pipeline with as many images a call as ours, which then share one guidance.
All run the same steps; at a guidance of 1 and below diffusers leaves the unconditional half out, so rates are measured
at 1.25, which is what cosines of 0.25 give. Our pictures and the loop's are compared as well, unweighted.

Writes benchmarks/results/generation-{tiny,true}.json.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import diffusers  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from diffusers import DiffusionPipeline, StableDiffusionImg2ImgPipeline  # noqa: E402
from PIL import Image  # noqa: E402

from sgid.datasets.drawn import draw_split  # noqa: E402
from sgid.generators.batches import Engine  # noqa: E402
from sgid.generators.denoising import Diffusion, load_diffusion  # noqa: E402
from sgid.generators.drawing import SetName  # noqa: E402
from sgid.generators.engine import draw_images  # noqa: E402
from sgid.generators.generation import Generation  # noqa: E402
from sgid.generators.packs import open_packs  # noqa: E402
from sgid.image_table import encode, fitted, image_rows, pictures_of, pixels_of  # noqa: E402
from sgid.runtime import device_name  # noqa: E402
from sgid.weighting import Weighting  # noqa: E402

RUNS = 3
GUIDANCE = 1.25
NOISE = "0.5"


def tiny_model(device: str, dtype: str) -> Diffusion:
    """The miniature's own checkpoint."""
    return load_diffusion(ROOT / "resources/miniature/stable_diffusion/model.json", device=device, dtype=dtype)


def true_model(device: str, dtype: str) -> Diffusion:
    """Stable Diffusion v1-5's architecture with random weights, and the miniature's tokenizer."""
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    tokenizer = tiny_model("cpu", "float32").tokenizer
    unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        sample_size=512,
    )
    text = CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, projection_dim=768
    )
    schedule = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    parts = [
        part.eval().requires_grad_(False).to(device, getattr(torch, dtype)) for part in (vae, unet, CLIPTextModel(text))
    ]
    return Diffusion(*parts, tokenizer, schedule, device, getattr(torch, dtype))


def pipeline_of(model: Diffusion, kind: type = StableDiffusionImg2ImgPipeline) -> DiffusionPipeline:
    """diffusers' own pipeline of the same parts."""
    pipe = kind(
        vae=model.vae,
        unet=model.unet,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        scheduler=model.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def prompts_for(originals: pa.Table) -> pa.Table:
    """The exact caption as the prompt, unweighted, so that diffusers draws the same."""
    rows = [
        {
            "image_id": image_id,
            "caption": text,
            "sampler": "exact",
            "cosine": 0.25,
            "similarity": 0.25,
            "guidance": GUIDANCE,
            "prompt": text,
            "weights": json.dumps([[text, 1.0]]),
            "prompt_flag": "",
        }
        for image_id, text in zip(
            originals["image_id"].to_pylist(), originals["exact_caption"].to_pylist(), strict=True
        )
    ]
    return pa.Table.from_pylist(rows)


def photographs(drawings: pa.Table, side: int) -> pa.Table:
    """The drawings enlarged to photographs' size, as JPEG."""
    pictures = [each.resize((side, side), Image.Resampling.BICUBIC) for each in pictures_of(drawings)]
    encoded = [encode(each, "jpeg95") for each in pictures]
    table = image_rows(drawings["image_id"].to_pylist(), encoded, drawings["label"].to_pylist(), suffix="jpg")
    return table.append_column("exact_caption", drawings["exact_caption"])


def ours(
    model: Diffusion, originals: pa.Table, generation: Generation, noise: str = NOISE, prompts: pa.Table | None = None
) -> pa.Table:
    """A shard as its rule draws it."""
    name = SetName("bench", "sgid", noise)
    with tempfile.TemporaryDirectory() as folder, open_packs(Path(folder), "shard") as packs:
        engine = Engine(model, name, generation, Weighting(restore_mean=False), packs)
        return pa.concat_tables(draw_images(engine, originals, prompts or prompts_for(originals)))


def diffusers_loop(
    model: Diffusion,
    originals: pa.Table,
    generation: Generation,
    size: int,
    noise: str = NOISE,
    guidance: float = GUIDANCE,
) -> list[Image.Image]:
    """The documentation's loop, `size` images a call, each from our seed, saved as PNG."""
    pipe, name, drawn = pipeline_of(model), SetName("bench", "sgid", noise), []
    texts, ids = originals["exact_caption"].to_pylist(), originals["image_id"].to_pylist()
    pictures = [fitted(each, generation.resolution) for each in pictures_of(originals)]
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(ids), size):
            part = slice(start, start + size)
            images = pipe(
                prompt=texts[part],
                image=pictures[part],
                strength=float(noise),
                guidance_scale=guidance,
                num_inference_steps=generation.steps,
                generator=[torch.Generator().manual_seed(name.seed(image_id, 0)) for image_id in ids[part]],
            ).images
            for image in images:
                image.save(Path(folder, f"{len(drawn)}.png"))
                drawn.append(image)
    return drawn


def timings(work, device: str, *, runs: int) -> list[float]:
    """Seconds of some runs after one to warm up; each waits until a GPU has done its part."""
    seconds = []
    for _ in range(1 + runs):
        began = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def rate(images: int, work, device: str) -> float:
    """Images a second, the best of some runs after one to warm up."""
    return images / min(timings(work, device, runs=RUNS))


def origin(device: str) -> dict:
    """Where and when a figure was measured."""
    return {
        "device": device_name(device),
        "cores": os.cpu_count(),
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
        },
    }


def main() -> None:
    """Measure, compare, write the report, print it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--true-sizes", action="store_true")
    arguments.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments.add_argument("--images", type=int, default=64)
    arguments.add_argument("--few", type=int, default=16)
    arguments.add_argument("--batch", type=int, default=32)
    arguments.add_argument("--steps", type=int, default=25)
    arguments.add_argument("--dtype", default="float32")
    asked = arguments.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    transformers.logging.set_verbosity_error()
    kind, resolution = ("true", 512) if asked.true_sizes else ("tiny", 32)
    model = (true_model if asked.true_sizes else tiny_model)(asked.device, asked.dtype)
    drawings = draw_split("bench", asked.images).sort_by("image_id")
    originals = photographs(drawings, 512) if asked.true_sizes else drawings
    how = Generation("img2img", steps=asked.steps, resolution=resolution, batch_size=asked.batch, precision=asked.dtype)
    some = originals.slice(0, asked.few)
    rates = {
        "ours": rate(len(originals), lambda: ours(model, originals, how), asked.device),
        "loop": rate(len(some), lambda: diffusers_loop(model, some, how, 1), asked.device),
        "batches": rate(len(originals), lambda: diffusers_loop(model, originals, how, asked.batch), asked.device),
    }
    mine = pixels_of(ours(model, some, how), resolution).astype(int)
    theirs = np.stack([np.asarray(image) for image in diffusers_loop(model, some, how, 1)]).astype(int)
    report = {
        "what": f"image-to-image at noise rate {NOISE}, {asked.steps} steps, {resolution} pixels, {kind} sizes",
        "images": asked.images,
        "batch": asked.batch,
        "dtype": asked.dtype,
        **origin(asked.device),
        "images_a_second": {name: float(f"{value:.3g}") for name, value in rates.items()},
        "ratio": {name: float(f"{rates['ours'] / rates[name]:.3g}") for name in ("loop", "batches")},
        "largest_difference_in_grey_levels": int(np.abs(mine - theirs).max()),
        "share_of_values_that_differ": float(f"{(mine != theirs).mean():.2g}"),
    }
    path = Path(__file__).parent / "results" / f"generation-{kind}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
