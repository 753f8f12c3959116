"""Twenty captions an image and their CLIP cosines, against the loops of the models' own cards, in one run.

    python benchmarks/captions.py                        the committed tiny models, on the CPU
    python benchmarks/captions.py --true-sizes           BLIP base at 384 pixels and CLIP ViT-B/32, random weights

Captions: `ours`, ten by beam search and ten by nucleus sampling; `card`, one image and one caption a call, as BLIP's
card shows it, twenty times, ten of them with the paper's three beams; `calls`, two calls an image that return ten each;
`library`, `generate` on whole batches.
Scores: `ours`; `card`, one image and one caption a call, padded to the context length; `image`, one image with its
twenty captions a call; `library`, whole batches, padded. Beam captions of `ours` and `library`, and scores, are
compared as well.

Writes benchmarks/results/captions-{tiny,true}.json: images a second (the best of some runs), ratios, and on a GPU the
share of the limit that follows from the operations (197 and 45 GFLOP an image) and a measured matrix product.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import numpy as np  # noqa: E402
import open_clip  # noqa: E402
import pyarrow as pa  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from true_sizes import photographs, true_models  # noqa: E402

from sgid.caption_tables import caption_table  # noqa: E402
from sgid.captions import Captioner, Captioning, load_captioner, tidy, write_captions  # noqa: E402
from sgid.datasets.drawn import draw_split  # noqa: E402
from sgid.image_table import pictures_of  # noqa: E402
from sgid.miniature.world import SHAPES  # noqa: E402
from sgid.runtime import device_name  # noqa: E402
from sgid.similarity import Clip, load_clip, score_captions  # noqa: E402

CAPTION_GFLOP, SCORE_GFLOP = 197.0, 45.0  # an image, BLIP base and CLIP ViT-B/32 at true sizes
RUNS = 3
Timed = Callable[[], object]


def rate(images: int, work: Timed, device: str) -> float:
    """Images a second, the best of some runs after one to warm up."""
    work()
    seconds = []
    for _ in range(RUNS):
        synchronise(device)
        began = time.perf_counter()
        work()
        synchronise(device)
        seconds.append(time.perf_counter() - began)
    return images / min(seconds)


def synchronise(device: str) -> None:
    """Wait for the GPU, so that a clock sees its work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def tiny_models(device: str) -> tuple[Captioner, Clip]:
    """The committed models of the miniature."""
    folder = ROOT / "resources" / "miniature"
    return (
        load_captioner(folder / "blip" / "model.json", device=device),
        load_clip(folder / "clip" / "model.json", device=device),
    )


def library_captions(captioner: Captioner, images: pa.Table, how: Captioning, *, calls: int = 1) -> list[list[str]]:
    """Ten beam and ten nucleus captions by `generate`, all returned by one call each, or one a call (`calls` 10).

    The beam captions alone come back, an image each.
    """
    pictures, model, each = pictures_of(images), captioner.model, how.count // calls
    inputs = captioner.processor(pictures, [how.prefix] * len(pictures), return_tensors="pt").to(model.device)
    inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    lengths = {"min_length": how.min_length, "max_length": how.max_length}
    # One caption a call needs no more beams than the paper has; ten need ten.
    beams = how.beams if calls == 1 else how.num_beams
    beam = {"num_beams": beams, "num_return_sequences": each, "do_sample": False}
    nucleus = {
        "do_sample": True,
        "top_p": how.top_p,
        "top_k": how.top_k,
        "repetition_penalty": how.repetition_penalty,
    }
    texts = []
    for _ in range(calls):
        texts += captioner.processor.batch_decode(model.generate(**inputs, **lengths, **beam), skip_special_tokens=True)
    for _ in range(calls):
        many = {name: values.repeat_interleave(each, dim=0) for name, values in inputs.items()}
        captioner.processor.batch_decode(model.generate(**many, **lengths, **nucleus), skip_special_tokens=True)
    tidied = [tidy(text.removeprefix(how.prefix)) for text in texts]
    return [tidied[start : start + how.count] for start in range(0, len(tidied), how.count)]


@torch.inference_mode()
def library_scores(clip: Clip, images: pa.Table, texts: list[list[str]]) -> list[list[float]]:
    """Cosines of whole batches, each text padded to the context length."""
    picture_rows = torch.stack([clip.preprocess(picture) for picture in pictures_of(images)])
    pixels = picture_rows.to(clip.device, next(clip.model.parameters()).dtype)
    tokens = clip.tokenizer([text for group in texts for text in group]).to(clip.device)
    image_features, text_features = clip.model.encode_image(pixels), clip.model.encode_text(tokens)
    image_features = torch.nn.functional.normalize(image_features.float(), dim=-1)
    text_features = torch.nn.functional.normalize(text_features.float(), dim=-1)
    groups = text_features.split([len(group) for group in texts])
    return [(group @ image).tolist() for group, image in zip(groups, image_features, strict=True)]


def by_parts(images: pa.Table, size: int) -> list[pa.Table]:
    """Consecutive slices."""
    return [images.slice(start, size) for start in range(0, len(images), size)]


def measure_captions(captioner: Captioner, images: pa.Table, *, batch: int, few: int, device: str) -> dict:
    """Rates of all four ways, and whether beam captions agree; the slow ways are measured on a few images."""
    how, some = Captioning(batch_size=batch), images.slice(0, few)
    found = write_captions(captioner, images, dataset="bench", how=how, base_seed=0)["beam"]["captions"].to_pylist()
    ours = rate(len(images), lambda: write_captions(captioner, images, dataset="bench", how=how, base_seed=0), device)
    card = rate(few, lambda: [library_captions(captioner, one, how, calls=10) for one in by_parts(some, 1)], device)
    calls = rate(few, lambda: [library_captions(captioner, one, how) for one in by_parts(some, 1)], device)
    library = rate(
        len(images), lambda: [library_captions(captioner, part, how) for part in by_parts(images, batch)], device
    )
    expected = [group for part in by_parts(some, 1) for group in library_captions(captioner, part, how)]
    return {
        "images_a_second": {"ours": ours, "card": card, "calls": calls, "library": library},
        "ratio": {"card": ours / card, "calls": ours / calls, "library": ours / library},
        "equal_beam_captions": f"{sum(a == b for a, b in zip(found, expected, strict=False))} of {few} images",
    }


def measure_scores(clip: Clip, images: pa.Table, texts: list[list[str]], *, few: int, device: str) -> dict:
    """Rates of four ways, and the largest difference of a cosine."""
    table = caption_table(images["image_id"], texts, sampler="beam")
    names = dict(enumerate(SHAPES))
    some, some_texts, step = images.slice(0, few), texts[:few], clip.batch_size
    scores = score_captions(clip, images, table, names=names)["similarities"].to_pylist()
    ours = rate(len(images), lambda: score_captions(clip, images, table, names=names), device)
    image = rate(
        few,
        lambda: [library_scores(clip, some.slice(i, 1), some_texts[i : i + 1]) for i in range(few)],
        device,
    )
    card = rate(
        few,
        lambda: [library_scores(clip, some.slice(i, 1), [[text]]) for i in range(few) for text in some_texts[i]],
        device,
    )
    library = rate(
        len(images),
        lambda: [library_scores(clip, images.slice(i, step), texts[i : i + step]) for i in range(0, len(images), step)],
        device,
    )
    expected = library_scores(clip, some, some_texts)
    return {
        "images_a_second": {"ours": ours, "card": card, "image": image, "library": library},
        "ratio": {"card": ours / card, "image": ours / image, "library": ours / library},
        "largest_difference_of_a_cosine": float(np.abs(np.array(scores[:few]) - np.array(expected)).max()),
    }


def matrix_product(device: str) -> float:
    """TFLOP/s of an 8192 × 8192 product in bfloat16: what the card can do at best."""
    left, right = (torch.randn(8192, 8192, device=device, dtype=torch.bfloat16) for _ in range(2))
    return rate(1, lambda: left @ right, device) * 2 * 8192**3 / 1e12


def rounded(value: object) -> object:
    """Three figures, at any depth."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return float(f"{value:.3g}") if isinstance(value, float) else value


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--true-sizes", action="store_true")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--few", type=int, default=8, help="images that the slow ways are measured on")
    parser.add_argument("--batch", type=int, default=32)
    return parser.parse_args()


def conditions(asked: argparse.Namespace) -> dict:
    """What was measured on what."""
    return {
        "what": f"20 captions an image and their cosines, models of {'true' if asked.true_sizes else 'tiny'} size",
        "images": asked.images,
        "batch": asked.batch,
        "device": device_name(asked.device),
        "cores": os.cpu_count(),
        "date": date.today().isoformat(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__}
        | {"transformers": transformers.__version__, "open_clip": open_clip.__version__},
    }


def measured(asked: argparse.Namespace) -> dict:
    """Captions, then scores of those captions; on a GPU at true sizes also the share of the limit."""
    captioner, clip = (true_models if asked.true_sizes else tiny_models)(asked.device)
    images = photographs(asked.images) if asked.true_sizes else draw_split("bench", asked.images).sort_by("image_id")
    captions = measure_captions(captioner, images, batch=asked.batch, few=asked.few, device=asked.device)
    tables = write_captions(captioner, images, dataset="b", how=Captioning(batch_size=asked.batch), base_seed=0)
    texts = [a + b for a, b in zip(*(tables[name]["captions"].to_pylist() for name in tables), strict=True)]
    scores = measure_scores(clip, images, texts, few=asked.few, device=asked.device)
    if not (asked.true_sizes and asked.device.startswith("cuda")):
        return {"captions": captions, "scores": scores}
    peak = matrix_product(asked.device)
    for part, gflop in ((captions, CAPTION_GFLOP), (scores, SCORE_GFLOP)):
        part["share_of_the_limit"] = part["images_a_second"]["ours"] / (peak * 1000 / gflop)
    return {"captions": captions, "scores": scores, "matrix_product_tflops": peak}


def main() -> None:
    """Measure, write the report, print it."""
    asked = arguments()
    torch.set_num_threads(os.cpu_count() or 1)
    transformers.logging.set_verbosity_error()
    path = Path(__file__).parent / "results" / f"captions-{'true' if asked.true_sizes else 'tiny'}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rounded(conditions(asked) | measured(asked)), indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
