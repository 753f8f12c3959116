"""One shard of an image set: what is to be drawn, by which names and seeds, and the table that comes of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from sgid.generators.generation import Generation
from sgid.image_table import image_rows
from sgid.seeding import seed_for
from sgid.weighting import Weighting

PROVENANCE_SCHEMA = pa.schema(
    [
        ("source_id", pa.string()),
        ("replicate", pa.int64()),
        ("caption", pa.string()),
        ("sampler", pa.string()),
        ("cosine", pa.float64()),
        ("similarity", pa.float64()),
        ("guidance", pa.float64()),
        ("noise_rate", pa.string()),
        ("prompt", pa.string()),
        ("weights", pa.string()),
        ("prompt_flag", pa.string()),
        ("seed", pa.int64()),
        ("steps_run", pa.int64()),
        ("truncated", pa.bool_()),
        ("attempts", pa.int64()),
        ("flag", pa.string()),
    ]
)
SINGLY_GUIDED = ("img2img", "text2img")  # by the prompt alone; InstructPix2Pix also by the image
FROM_NOTES = ("seed", "steps_run", "truncated", "attempts", "flag")
FROM_PROMPT = ("caption", "sampler", "cosine", "similarity", "guidance", "prompt", "weights", "prompt_flag")


@dataclass(frozen=True)
class SetName:
    """What an image set is called: every picture's id and seed come from these names and its original's id."""

    dataset: str
    recipe: str
    noise_rate: str
    base_seed: int = 0

    def image_id(self, source_id: str, replicate: int) -> str:
        """The path-like id of one picture, unique in the set."""
        return f"{source_id}/{self.recipe}/noise-{self.noise_rate}/{replicate}"

    def seed(self, source_id: str, replicate: int, attempt: int = 0) -> int:
        """The seed of all chance in one picture; a further attempt at it has one of its own."""
        again = ("attempt", attempt) if attempt else ()
        return seed_for(self.base_seed, self.dataset, source_id, self.recipe, self.noise_rate, replicate, *again)


@dataclass(frozen=True)
class Picture:
    """One picture to draw: the row of the image it starts from, the original behind that, its prompt, its number.

    `original`: the hash of the image it starts from.
    """

    row: int
    source_id: str
    label: int
    prompt: dict
    replicate: int
    original: str


def pictures_to_draw(originals: pa.Table, prompts: pa.Table, replicates: int) -> list[Picture]:
    """In the order of originals, replicates of one beside each other.

    Where `originals` were generated themselves (Text2Img & SGID), the source is the training image behind them.
    """
    prompt_of = {row["image_id"]: row for row in prompts.to_pylist()}
    ids, labels = originals["image_id"].to_pylist(), originals["label"].to_pylist()
    sources = originals["source_id"].to_pylist() if "source_id" in originals.column_names else ids
    missing = [name for name in ids if name not in prompt_of]
    if missing:
        raise ValueError(f"{len(missing)} images have no prompt, {missing[0]!r} first; run build_prompts again")
    hashes = [hashlib.sha256(image["bytes"]).hexdigest() for image in originals["image"].to_pylist()]
    return [
        Picture(row, sources[row], labels[row], prompt_of[image_id], replicate, hashes[row])
        for row, image_id in enumerate(ids)
        for replicate in range(replicates)
    ]


def needs_guidance(picture: Picture, generator: str) -> bool:
    """Whether the guided output differs from the prompt's own: at a scale of 1, or under no prompt, it does not."""
    no_effect = picture.prompt["guidance"] == 1 or not json.loads(picture.prompt["weights"])
    return generator not in SINGLY_GUIDED or not no_effect


def key_of(picture: Picture, *, name: SetName, generation: Generation, weighting: Weighting, identity: Mapping) -> str:
    """The key of a picture among those that were drawn before: a hash of all that determines its bytes.

    `identity`: weights, versions and device. In a batch of a fixed shape (`exact`) the shape counts, and what else is
    in the batch does not; without, pictures of other batches differ by rounding, and are taken all the same.
    """
    how = asdict(generation) | ({} if generation.exact else {"batch_size": None})
    causes = {
        "how": how,
        "weighting": asdict(weighting),
        "identity": identity,
        "noise_rate": name.noise_rate,
        "seed": name.seed(picture.source_id, picture.replicate),
        "guidance": picture.prompt["guidance"],
        "spans": picture.prompt["weights"],
        "original": picture.original,
    }
    return hashlib.sha256(json.dumps(causes, sort_keys=True).encode()).hexdigest()


def rows_of(
    pictures: Sequence[Picture],
    drawn: Sequence[tuple[bytes, Mapping[str, Any]]],
    *,
    name: SetName,
    encoding: str,
) -> pa.Table:
    """Image table of drawn pictures with their provenance; `drawn`: bytes and notes of each."""
    ids = [name.image_id(picture.source_id, picture.replicate) for picture in pictures]
    labels = [picture.label for picture in pictures]
    table = image_rows(ids, [data for data, _ in drawn], labels, suffix=encoding.rstrip("0123456789"))
    origin = [
        {key: picture.prompt[key] for key in FROM_PROMPT}
        | {key: notes[key] for key in FROM_NOTES}
        | {"source_id": picture.source_id, "replicate": picture.replicate, "noise_rate": name.noise_rate}
        for picture, (_, notes) in zip(pictures, drawn, strict=True)
    ]
    provenance = pa.Table.from_pylist(origin, schema=PROVENANCE_SCHEMA)
    return pa.table(table.columns + provenance.columns, names=table.column_names + provenance.column_names)
