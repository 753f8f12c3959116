"""What a unit of work should take on a GPU that nobody has measured: the cost model's figures (standard library only).

Nothing here is measured on this code. Goals are a share of what an H200's matrix product reaches (790 TFLOP/s in
bfloat16, measured); another device is taken to reach the same share of its own. Each figure's basis: docs/cost.md.
"""

from dataclasses import dataclass

from sgid.planning.work import FORWARD, Work

CEILING = 790.0  # TFLOP/s
START = 20.0  # seconds until a GPU job works: Python, libraries, weights
# Evaluations a second of Stable Diffusion v1-5's UNet at 512 pixels, in batches: 41 % of the ceiling.
UNET_GOAL = 400.0
DIFFUSION = (
    *("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd-legacy/stable-diffusion-v1-5"),
    *("runwayml/stable-diffusion-v1-5", "timbrooks/instruct-pix2pix"),
)
ENCODER_SHARE = 0.30  # of the ceiling, of BLIP's, CLIP's and T5's passes
PROBE_SHARE = 0.35  # of a frozen encoder that is run over a set once
# GFLOP of one image: the picture's own pass with cross-attention's keys and values; of a token of a sequence.
BLIP = {"Salesforce/blip-image-captioning-base": 127.3, "Salesforce/blip-image-captioning-large": 403.9}
BLIP_TOKEN, TOKENS = 0.268, 20
T5 = "mrm8488/t5-base-finetuned-common_gen"
T5_STEP = 64 * 0.248  # a token of each of 64 sentences, output layer included
T5_WAIT = 0.003  # seconds of Python's own work a step, whatever the GPU: its kernels are too small to hide it
CLIP_IMAGE, CLIP_TEXT = 8.82, 1.83  # ViT-B/32; a text of at most 24 tokens
CLIP = ("timm/vit_base_patch32_clip_224.openai", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K")
# Seconds an image of the documented way: BLIP's two calls; scores of twenty captions.
NAIVE_CAPTIONS, NAIVE_SCORES = 0.40, 0.03
NAIVE_PICTURE = 0.15  # VAE, text encoder, checker, PNG in line with the loop


@dataclass(frozen=True)
class Network:
    """Training of a network at a side of pictures: pictures a second, of the goal and of a usual DataLoader's loop.

    forward: GFLOP of one picture's pass forward; kept: bytes of a checkpoint, weights and what the optimiser keeps.
    """

    goal: float
    naive: float
    forward: float
    kept: float


NETWORKS = {
    ("timm:resnet50", 224): Network(3500, 900, 8.18, 23.7e6 * 8),
    ("timm:resnet50", 32): Network(15000, 4000, 2.60, 23.7e6 * 8),
    ("timm:vit_base_patch16_224", 224): Network(2500, 430, 35.13, 85.9e6 * 12),
    ("open_clip:ViT-B-32", 224): Network(8000, 1000, 8.82, 87.5e6 * 4),
}


@dataclass(frozen=True)
class Device:
    """A kind of GPU by the name that the driver gives it.

    ceiling: TFLOP/s of its bfloat16 matrix product; steps: denoising steps a second of diffusers' loop, one image at
    a time, None where nobody published it; memory: gigabytes.
    """

    name: str
    ceiling: float
    steps: float | None = None
    memory: float | None = None

    @classmethod
    def of(cls, name: str, entry: dict) -> "Device":
        """A device of the configuration: its measured ceiling, or the share of the peak that the H200 reaches."""
        ceiling = entry.get("measured_tflops") or entry["peak_tflops"] * H200_SHARE
        return cls(name, ceiling, entry.get("loop_steps"), entry.get("memory_gb"))


H200_SHARE = CEILING / 989.0  # of the data sheet's dense peak


def network_of(name: str, side: int) -> Network | None:
    """The figures of a network, by the start of its name; None where there are none."""
    found = [each for (start, of_side), each in NETWORKS.items() if name.startswith(start) and of_side == side]
    return found[0] if found else None


def estimated(work: Work, device: Device) -> float | None:
    """Seconds a unit of `work` on a device, None where the model behind it is none that figures are known of."""
    on_h200 = KINDS[work.kind](work.key) if work.kind in KINDS else None
    if on_h200 is None:
        return None
    return on_h200 * CEILING / device.ceiling + (T5_WAIT if work.kind == "sentences" else 0.0)


def _drawing(key: tuple[str, ...]) -> float | None:
    return 1 / UNET_GOAL if key[1] in DIFFUSION else None


def _captions(key: tuple[str, ...]) -> float | None:
    vision = BLIP.get(key[1])
    return vision and _encoder_seconds(vision + int(key[2]) * TOKENS * BLIP_TOKEN)


def _sentences(key: tuple[str, ...]) -> float | None:
    return _encoder_seconds(T5_STEP) if key[1] == T5 else None


def _scores(key: tuple[str, ...]) -> float | None:
    return _encoder_seconds(CLIP_IMAGE + (int(key[2]) + 1) * CLIP_TEXT) if key[1] in CLIP else None


def _measuring(key: tuple[str, ...]) -> float | None:
    return _encoder_seconds(CLIP_IMAGE) if key[1] in CLIP else None


def _training(key: tuple[str, ...]) -> float | None:
    _, name, side, how = key
    found = network_of(name, int(side))
    if found is None:
        return None
    if how == "cached":
        return found.forward / (PROBE_SHARE * CEILING * 1000)
    return (FORWARD if how == "head" else 1) / found.goal


def _encoder_seconds(gflop: float) -> float:
    return gflop / (ENCODER_SHARE * CEILING * 1000)


KINDS = {
    "drawing": _drawing,
    "captions": _captions,
    "sentences": _sentences,
    "scores": _scores,
    "measuring": _measuring,
    "training": _training,
}

# Millions of parameters of a repository's files, 4 bytes each.
PARAMETERS = dict.fromkeys(DIFFUSION, 1066) | {
    "Salesforce/blip-image-captioning-base": 224,
    "timm/vit_base_patch32_clip_224.openai": 151,
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": 151,
    "timm/vit_base_patch16_224.augreg_in21k": 103,
    T5: 223,
}


def weight_bytes(hub_id: str) -> float | None:
    """Bytes to fetch of a model, None where its size is not known."""
    return PARAMETERS[hub_id] * 4e6 if hub_id in PARAMETERS else None


def naive_seconds(work: Work, device: Device) -> float | None:
    """Seconds of the documented way on a device: one image a call, a DataLoader's loop. None where unknown."""
    if work.kind == "drawing" and work.key[1] in DIFFUSION and device.steps:
        return work.naive / device.steps + work.images * NAIVE_PICTURE
    if work.kind == "captions" and work.key[1] in BLIP:
        return work.naive * NAIVE_CAPTIONS
    if work.kind == "scores" and work.key[1] in CLIP:
        return work.naive * NAIVE_SCORES
    if work.kind == "training" and (found := network_of(work.key[1], int(work.key[2]))):
        slower = min(found.naive, found.goal * device.ceiling / CEILING)
        return work.naive / slower
    return None
