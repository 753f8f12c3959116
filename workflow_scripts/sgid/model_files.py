"""Which files of a model its loader reads: safetensors and what describes them, nothing pickled and no code.

Standard library only: a folder of one's own is looked at while Snakemake plans.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "spiece.model"),
)
SCHEDULER = "scheduler/scheduler_config.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")


class MissingFilesError(ValueError):
    """A model lacks files that its loader cannot do without; the message is the end of a sentence about it."""


@dataclass(frozen=True)
class Layout:
    """How a library lays a model out: weights by the stem of their names, files that must be there, and others."""

    weights: tuple[str, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


# The feature extractor has no weights; diffusers reads its description where model_index.json names it. The safety
# checker is never loaded, whole pipelines in one file and training copies (non_ema) are not what the loaders read.
LAYOUTS = {
    "diffusers": Layout(
        ("text_encoder/model", "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model"),
        ("model_index.json", *(f"{part}/config.json" for part in ("text_encoder", "unet", "vae")), SCHEDULER),
        ("feature_extractor/preprocessor_config.json", *(f"tokenizer/{name}" for name in TOKENIZER)),
    ),
    "open_clip": Layout(("open_clip_model",), ("open_clip_config.json",), TOKENIZER),
    "timm": Layout(("model",), (), ("config.json",)),
    "transformers": Layout(
        ("model",),
        ("config.json",),
        ("generation_config.json", "preprocessor_config.json", "processor_config.json", *TOKENIZER),
    ),
}


def library_of(names: Iterable[str]) -> str:
    """The library whose layout these names are; timm's is the start of transformers'."""
    found = set(names)
    if "model_index.json" in found:
        return "diffusers"
    return "open_clip" if "open_clip_config.json" in found else "transformers"


def files_of(library: str | None, names: Iterable[str], variant: str | None = None) -> dict[str, str]:
    """By the name under which the loader reads it, the name that each needed file has; `variant`: such as `fp16`.

    Raises MissingFilesError that says what is not there, and what is instead.
    """
    found = sorted(names)
    layout = LAYOUTS[library or library_of(found)]
    ending = f".{variant}.safetensors" if variant else ".safetensors"
    weights = {f"{stem}.safetensors": f"{stem}{ending}" for stem in layout.weights}
    needed = weights | {name: name for name in layout.required}
    missing = [name for name in needed.values() if name not in found]
    if missing:
        raise MissingFilesError(f"has no {', '.join(missing)}{instead_of(missing, found)}")
    return needed | {name: name for name in layout.optional if name in found}


def instead_of(missing: Iterable[str], found: Iterable[str]) -> str:
    """Which pickled files there are in the folders of missing weights."""
    folders = {Path(name).parent for name in missing if name.endswith(".safetensors")}
    pickled = [name for name in found if name.endswith(PICKLED) and Path(name).parent in folders]
    return f" (it has {', '.join(pickled)}, pickled, which is never fetched and never loaded)" if pickled else ""


def names_in(folder: str | Path) -> list[str]:
    """Sorted names of the files of a folder and of those directly in it, with forward slashes, hidden ones left out."""
    root = Path(folder)
    paths = [path for pattern in ("[!.]*", "[!.]*/[!.]*") for path in root.glob(pattern) if path.is_file()]
    return sorted(path.relative_to(root).as_posix() for path in paths)
