"""Captions of images: ten by BLIP's beam search, ten by its nucleus sampling (paper, section 4.2), or written ones.

The prefix "a picture of " is fed to the decoder and taken off again; the length limits count it and the start mark,
as BLIP's own demo does. Nucleus sampling takes its random numbers from the image's name, one for each caption and
position, so a caption depends neither on the batch nor on the shard in which its image stands.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch
import yaml
from PIL import Image
from transformers import (
    BlipForConditionalGeneration,
    BlipProcessor,
    LogitsProcessorList,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from sgid.image_table import pictures_of
from sgid.picking import PickByNumber, numbers_for
from sgid.prompts import written_captions
from sgid.seeding import seed_for

CAPTION_SCHEMA = pa.schema([("image_id", pa.string()), ("captions", pa.list_(pa.string())), ("sampler", pa.string())])


@dataclass(frozen=True)
class Captioning:
    """How many captions an image, and how they are decoded. Lengths in tokens, with start mark and prefix.

    `beam_mode`: `widen` uses as many beams as captions are wanted, because a beam yields one caption (INFERRED: the
    paper has ten captions of three beams); `repeat` takes the best of `num_beams` and repeats it.
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
        if self.beam_mode not in ("widen", "repeat"):
            raise ValueError(f"captions.beam.mode: {self.beam_mode!r} is not defined (have: widen, repeat)")

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
    """The BLIP checkpoint (transformers layout) in the folder of a file, its model.json; nothing is downloaded."""
    folder = Path(record).parent
    model = BlipForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    return Captioner(model.eval().to(device), BlipProcessor.from_pretrained(folder, local_files_only=True))


def write_captions(
    images: pa.Table,
    *,
    sampler: str,
    dataset: str,
    names: Mapping[int, str],
    source: str | Path,
    how: Captioning,
    base_seed: int,
    device: str = "cpu",
) -> pa.Table:
    """One row an image: image_id, captions (repeats kept), sampler.

    `source`: for `beam` and `nucleus` the model.json of a BLIP checkpoint, for any other sampler a YAML file of
    written captions by class name, data set or `default`. `names`: label to class name.
    """
    if sampler in SAMPLERS:
        captioner = load_captioner(source, device=device)
        texts = blip_captions(captioner, images, sampler=sampler, dataset=dataset, base_seed=base_seed, how=how)
    else:
        texts = listed_captions(images, source, names=names, dataset=dataset, count=how.count, base_seed=base_seed)
    columns = {"image_id": images["image_id"], "captions": texts, "sampler": [sampler] * len(texts)}
    return pa.table(columns, schema=CAPTION_SCHEMA)


def listed_captions(
    images: pa.Table, source: str | Path, *, names: Mapping[int, str], dataset: str, count: int, base_seed: int
) -> list[list[str]]:
    """At most `count` written captions for each image: neighbours in its class's list, from a place of its own."""
    lists = yaml.safe_load(Path(source).read_text("utf-8"))
    found = []
    for image_id, label in zip(images["image_id"].to_pylist(), images["label"].to_pylist(), strict=True):
        pool = written_captions(names[label], dataset, lists)
        start = seed_for(base_seed, dataset, image_id, "list")
        found.append([pool[(start + step) % len(pool)] for step in range(min(count, len(pool)))])
    return found


@torch.inference_mode()
def blip_captions(
    captioner: Captioner, images: pa.Table, *, sampler: str, dataset: str, base_seed: int, how: Captioning
) -> list[list[str]]:
    """`how.count` captions of each image by the sampler."""
    texts: list[list[str]] = []
    for batch in batches_of(images, how.batch_size):
        states = image_states(captioner, pictures_of(batch))
        seeds = [seed_for(base_seed, dataset, name, sampler) for name in batch["image_id"].to_pylist()]
        texts += captions_from(captioner, SAMPLERS[sampler](captioner, states, how, seeds), how)
    return texts


def batches_of(table: pa.Table, size: int) -> Iterator[pa.Table]:
    """Consecutive slices of at most `size` rows."""
    return (table.slice(start, size) for start in range(0, len(table), size))


def image_states(captioner: Captioner, pictures: Sequence[Image.Image]) -> torch.Tensor:
    """Patch states (B, patches, width) of RGB pictures: each image passes the vision tower once."""
    pixels = captioner.processor(images=list(pictures), return_tensors="pt").pixel_values
    return captioner.model.vision_model(pixel_values=pixels.to(captioner.model.device)).last_hidden_state


def search_beams(captioner: Captioner, states: torch.Tensor, how: Captioning, seeds: Sequence[int]) -> torch.Tensor:
    """The best `how.count` of `how.beams` beams: token ids (B * count, length), best first. No chance, so no seeds."""
    returned = min(how.count, how.beams) if how.beam_mode == "widen" else 1
    sequences = captioner.model.text_decoder.generate(
        **decoder_inputs(captioner, states, how), num_beams=how.beams, num_return_sequences=returned
    )
    return sequences.repeat_interleave(how.count // returned, dim=0)


def sample_nucleus(captioner: Captioner, states: torch.Tensor, how: Captioning, seeds: Sequence[int]) -> torch.Tensor:
    """`how.count` samples an image: token ids (B * count, length). One seed an image."""
    numbers = torch.cat([numbers_for(seed, how.count, how.max_length) for seed in seeds]).to(states.device)
    top_k = [TopKLogitsWarper(how.top_k)] if how.top_k else []
    pick = [*top_k, TopPLogitsWarper(how.top_p), PickByNumber(numbers)]
    return captioner.model.text_decoder.generate(
        **decoder_inputs(captioner, states.repeat_interleave(how.count, dim=0), how),
        repetition_penalty=how.repetition_penalty,
        logits_processor=LogitsProcessorList(pick),
    )


SAMPLERS: dict[str, Callable[[Captioner, torch.Tensor, Captioning, Sequence[int]], torch.Tensor]] = {
    "beam": search_beams,
    "nucleus": sample_nucleus,
}


def decoder_inputs(captioner: Captioner, states: torch.Tensor, how: Captioning) -> dict:
    """What both samplers give the text decoder, as `BlipForConditionalGeneration.generate` does it."""
    config = captioner.model.config.text_config
    prefix = torch.tensor(prefix_ids(captioner, how), device=states.device)
    return {
        "input_ids": prefix.expand(len(states), -1),
        "attention_mask": torch.ones(len(states), len(prefix), dtype=torch.long, device=states.device),
        "encoder_hidden_states": states,
        "encoder_attention_mask": torch.ones(states.shape[:2], dtype=torch.long, device=states.device),
        "eos_token_id": config.sep_token_id,
        "pad_token_id": config.pad_token_id,
        "min_length": how.min_length,
        "max_length": how.max_length,
        "do_sample": False,
    }


def prefix_ids(captioner: Captioner, how: Captioning) -> list[int]:
    """Start mark and prefix; no end mark, because the caption goes on from here."""
    words = captioner.processor.tokenizer(how.prefix, add_special_tokens=False).input_ids
    return [captioner.model.config.text_config.bos_token_id, *words]


def captions_from(captioner: Captioner, sequences: torch.Tensor, how: Captioning) -> list[list[str]]:
    """Texts without prefix, `how.count` an image."""
    own = sequences[:, len(prefix_ids(captioner, how)) :]
    texts = [tidy(text) for text in captioner.processor.batch_decode(own, skip_special_tokens=True)]
    return [texts[start : start + how.count] for start in range(0, len(texts), how.count)]


def tidy(text: str) -> str:
    """BLIP pads short captions with full stops; CLIP would score them, and the prompt brings its own."""
    return text.strip(" .")
