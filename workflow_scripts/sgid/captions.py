"""Captions of images: ten by BLIP's beam search, ten by its nucleus sampling (paper, section 4.2), or written ones.

The prefix "a picture of " is fed to the decoder and taken off again; the length limits count it and the start mark,
as BLIP's own demo does. Each image passes the vision tower once for both samplers. Nucleus sampling takes its random
numbers from the image's name, one for each caption and position, so a caption depends neither on the batch nor on the
shard in which its image stands, but for rounding that may move a number across the edge between two tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch
from torch.nn.functional import pad
from transformers import (
    BlipForConditionalGeneration,
    BlipProcessor,
    LogitsProcessorList,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from sgid.caption_tables import caption_table
from sgid.image_table import pictures_of
from sgid.picking import PickByNumber, numbers_for
from sgid.runtime import fast_dtype, one_ahead
from sgid.seeding import seed_for
from sgid.shared_attention import sharing_images

BEAM_MODES = ("widen", "repeat", "best", "sample")


@dataclass(frozen=True)
class Captioning:
    """How many captions an image, and how they are decoded. Lengths in tokens, with start mark and prefix.

    A beam yields one caption, and the paper has ten captions of three beams, so `beam_mode` has four readings
    (INFERRED): `widen` searches with as many beams as captions are wanted; `repeat` takes the best of `num_beams`, as
    many times over; `best` keeps the `num_beams` best and no more; `sample` samples while it searches, once a caption.
    """

    count: int = 10
    min_length: int = 5
    max_length: int = 20
    top_p: float = 0.9
    top_k: int = 50
    repetition_penalty: float = 1.1
    num_beams: int = 3
    beam_mode: str = "widen"
    prefix: str = "a picture of "
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.beam_mode not in BEAM_MODES:
            raise ValueError(f"captions.beam.mode: {self.beam_mode!r} is not defined (have: {', '.join(BEAM_MODES)})")

    @property
    def beams(self) -> int:
        """Beams really used."""
        return max(self.num_beams, self.count) if self.beam_mode == "widen" else self.num_beams


def captioning(entry: Mapping) -> Captioning:
    """From config's `captions`, where the options of each sampler stand under its name."""
    beam, nucleus = entry["beam"], entry["nucleus"]
    shared = {key: value for key, value in entry.items() if key not in ("beam", "nucleus")}
    return Captioning(**shared, **nucleus, num_beams=beam["num_beams"], beam_mode=beam["mode"])


@dataclass(frozen=True)
class Captioner:
    """A BLIP checkpoint, ready: model in evaluation mode on its device, and the processor that belongs to it."""

    model: BlipForConditionalGeneration
    processor: BlipProcessor


def load_captioner(record: str | Path, *, device: str = "cpu") -> Captioner:
    """The BLIP checkpoint (transformers layout) in the folder of a file, its model.json; nothing is downloaded.

    In bfloat16 where a GPU has it, which halves what decoding moves; in float32 elsewhere.
    """
    folder = Path(record).parent
    model = BlipForConditionalGeneration.from_pretrained(folder, local_files_only=True, dtype=fast_dtype(device))
    return Captioner(model.eval().to(device), BlipProcessor.from_pretrained(folder, local_files_only=True))


@torch.inference_mode()
def write_captions(
    captioner: Captioner, images: pa.Table, *, dataset: str, how: Captioning, base_seed: int
) -> dict[str, pa.Table]:
    """Tables of `how.count` captions an image by sampler, `beam` and `nucleus`."""
    texts: dict[str, list[list[str]]] = {sampler: [] for sampler in SAMPLERS}
    for names, pixels in prepared_batches(captioner, images, how.batch_size):
        states = image_states(captioner, pixels)
        for sampler, sample in SAMPLERS.items():
            seeds = [seed_for(base_seed, dataset, name, sampler) for name in names]
            texts[sampler] += captions_from(captioner, sample(captioner, states, how, seeds), how, images=len(names))
    beams = {"beam": how.beams}
    return {
        sampler: caption_table(images["image_id"], found, sampler=sampler, beams=beams.get(sampler, 0))
        for sampler, found in texts.items()
    }


def prepared_batches(captioner: Captioner, images: pa.Table, size: int) -> Iterator[tuple[list[str], torch.Tensor]]:
    """(ids, pixels (B, 3, S, S)) of consecutive batches; the next is decoded while the present one is worked on."""

    def prepared(batch: pa.Table) -> tuple[list[str], torch.Tensor]:
        pixels = captioner.processor.image_processor(pictures_of(batch), return_tensors="pt").pixel_values
        return batch["image_id"].to_pylist(), pixels

    return one_ahead(prepared, (images.slice(start, size) for start in range(0, len(images), size)))


def image_states(captioner: Captioner, pixels: torch.Tensor) -> torch.Tensor:
    """Patch states (B, patches, width) of preprocessed pictures (B, 3, S, S): each passes the vision tower once."""
    model = captioner.model
    return model.vision_model(pixel_values=pixels.to(model.device, model.dtype)).last_hidden_state


def search_beams(captioner: Captioner, states: torch.Tensor, how: Captioning, seeds: Sequence[int]) -> torch.Tensor:
    """Token ids (B * n, length) of the n captions that `how.beam_mode` yields of an image, best first."""
    if how.beam_mode == "sample":
        return sample_beams(captioner, states, how, seeds)
    returned = 1 if how.beam_mode == "repeat" else min(how.count, how.beams)
    sequences = decode(captioner, states, how, num_beams=how.beams, num_return_sequences=returned)
    return sequences.repeat_interleave(how.count, dim=0) if how.beam_mode == "repeat" else sequences


def sample_beams(captioner: Captioner, states: torch.Tensor, how: Captioning, seeds: Sequence[int]) -> torch.Tensor:
    """Beam sampling, once a caption. The library draws from PyTorch's own state, so each image has a turn by itself."""
    chance = {"do_sample": True, "top_k": how.top_k, "top_p": how.top_p, "num_beams": how.num_beams}
    rows = []
    for image, seed in zip(states, seeds, strict=True):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            rows.append(decode(captioner, image[None], how, copies=how.count, **chance))
    longest = max(part.shape[1] for part in rows)
    padding = captioner.model.config.text_config.pad_token_id
    return torch.cat([pad(part, (0, longest - part.shape[1]), value=padding) for part in rows])


def sample_nucleus(captioner: Captioner, states: torch.Tensor, how: Captioning, seeds: Sequence[int]) -> torch.Tensor:
    """`how.count` samples an image: token ids (B * count, length). One seed an image."""
    numbers = torch.cat([numbers_for(seed, how.count, how.max_length) for seed in seeds]).to(states.device)
    top_k = [TopKLogitsWarper(how.top_k)] if how.top_k else []
    pick = LogitsProcessorList([*top_k, TopPLogitsWarper(how.top_p), PickByNumber(numbers)])
    penalty = how.repetition_penalty
    return decode(captioner, states, how, copies=how.count, repetition_penalty=penalty, logits_processor=pick)


SAMPLERS: dict[str, Callable[[Captioner, torch.Tensor, Captioning, Sequence[int]], torch.Tensor]] = {
    "beam": search_beams,
    "nucleus": sample_nucleus,
}


def decode(
    captioner: Captioner, states: torch.Tensor, how: Captioning, *, copies: int = 1, **options: object
) -> torch.Tensor:
    """The text decoder's `generate` on `copies` sequences an image, as `BlipForConditionalGeneration` calls it.

    `options`: of `generate`; greedy where they say nothing. Images are shared, so the decoder gets one patch of each.
    """
    model, rows = captioner.model, len(states) * copies
    prefix = torch.tensor(prefix_ids(captioner, how), device=states.device)
    inputs = {
        "input_ids": prefix.expand(rows, -1),
        "attention_mask": torch.ones(rows, len(prefix), dtype=torch.long, device=states.device),
        "encoder_hidden_states": states[:, :1].repeat_interleave(copies, dim=0),
        "encoder_attention_mask": torch.ones(rows, 1, dtype=torch.long, device=states.device),
        "eos_token_id": model.config.text_config.sep_token_id,
        "pad_token_id": model.config.text_config.pad_token_id,
        "min_length": how.min_length,
        "max_length": how.max_length,
        "do_sample": False,
    }
    with sharing_images(model.text_decoder, states):
        return model.text_decoder.generate(**(inputs | options))


def prefix_ids(captioner: Captioner, how: Captioning) -> list[int]:
    """Start mark and prefix; no end mark, because the caption goes on from here."""
    words = captioner.processor.tokenizer(how.prefix, add_special_tokens=False).input_ids
    return [captioner.model.config.text_config.bos_token_id, *words]


def captions_from(captioner: Captioner, sequences: torch.Tensor, how: Captioning, *, images: int) -> list[list[str]]:
    """Texts without prefix by image, of which all have the same number."""
    own = sequences[:, len(prefix_ids(captioner, how)) :]
    texts = [tidy(text) for text in captioner.processor.batch_decode(own, skip_special_tokens=True)]
    count = len(texts) // images
    return [texts[start : start + count] for start in range(0, len(texts), count)]


def tidy(text: str) -> str:
    """BLIP pads short captions with full stops; CLIP would score them, and the prompt brings its own."""
    return text.strip(" .")
