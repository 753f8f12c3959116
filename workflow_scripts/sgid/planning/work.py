"""How much work a job is, in units that do not depend on the machine (standard library only).

Drawing is counted in evaluations of the UNet at 512 pixels, captions and scores in images, training in pictures that
pass the network. Bases: docs/cost.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# One forward pass of Stable Diffusion v1-5's UNet on one picture, GFLOP, counted on the architecture: what grows with
# the area of the picture, and self-attention, which grows with its square. At 512 pixels 803.3, at 256 180.1.
OF_AREA, OF_SQUARED_AREA = 693.4, 109.9
EVALUATION = OF_AREA + OF_SQUARED_AREA
DECODE, ENCODE = 2514.5 / EVALUATION, 1116.7 / EVALUATION  # the VAE's two ways at 512 pixels, in evaluations
EDIT_PASSES = 3  # InstructPix2Pix evaluates with both conditions, with the image alone, and with none
FORWARD = 1 / 3  # of a training step's work: a step is one pass forward and about two backward


@dataclass(frozen=True)
class Work:
    """What one job has to do.

    kind, key: what a rate in seconds a unit holds for; naive: units of the documented way, one image a call; the other
    counts are what a reader wants to see.
    """

    kind: str = ""
    key: tuple[str, ...] = ()
    units: float = 0.0
    naive: float = 0.0
    images: int = 0
    captions: int = 0
    runs: int = 0
    stored: float = 0.0  # bytes of the outputs
    cached: float = 0.0  # bytes kept outside the outputs, until `snakemake prune_cache`
    held: float = 0.0  # bytes of decoded pictures in memory


NOTHING = Work()


def evaluations_of_schedule(steps: int, noise: float, *, whole: bool, scheduler: str) -> int:
    """UNet calls a picture without guidance; `whole`: from pure noise. PNDM repeats one step, the others do not."""
    run = steps if whole else int(noise * steps)
    return run + (scheduler == "pndm")


def draw_units(calls: int, *, guided: float, edits: bool, encodes: bool, resolution: int) -> float:
    """Evaluations at 512 pixels behind one picture, the VAE's passes included.

    guided: the share of pictures whose unconditional half is needed too.
    """
    area = (resolution / 512) ** 2
    passes = EDIT_PASSES if edits else 1 + guided
    one = (OF_AREA * area + OF_SQUARED_AREA * area**2) / EVALUATION
    return calls * passes * one + (DECODE + ENCODE * encodes) * area


def sequences_of(captions: Mapping[str, Any]) -> int:
    """Token sequences that BLIP decodes for one image, of both samplers."""
    beam, count = captions["beam"], captions["count"]
    beams = {"widen": max(count, beam["num_beams"]), "sample": count * beam["num_beams"]}
    return count + beams.get(beam["mode"], beam["num_beams"])


@dataclass(frozen=True)
class Epochs:
    """A training as counted before it runs. originals, generated: pictures at hand; measured: pictures of each test."""

    originals: int
    generated: int
    measured: int
    epochs: int

    def pictures(self, settings: Mapping[str, Any]) -> int:
        """Pictures that pass the network in one run, by the settings `training`."""
        sizes = {"append": self.originals + self.generated, "replace": self.originals, "synthetic": self.generated}
        epoch = sizes[settings.get("mix", "append")] if self.generated else self.originals
        counted = self.originals if settings.get("budget") == "steps" and self.generated else epoch
        return counted * self.epochs * settings.get("epochs_factor", 1)

    def at_hand(self, settings: Mapping[str, Any]) -> int:
        """Different pictures that training sees."""
        left_out = self.originals if settings.get("mix") == "synthetic" and self.generated else 0
        return self.originals + self.generated - left_out
