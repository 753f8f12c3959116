"""How much work the jobs of a configuration are (standard library only).

What only results tell, the noise rate that validation chose and the share of prompts that need guidance, is asked of
`Found`; until it is known, the rate is taken to be 0.5 and every prompt to need guidance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from sgid.matrix import CHOSEN, Matrix
from sgid.planning.work import FORWARD, Epochs, Work, draw_units, evaluations_of_schedule, sequences_of
from sgid.training_settings import training_of

ASSUMED_RATE = 0.5
# Bytes of a stored picture for each pixel: PNG of natural pictures 2.3 to 2.4, JPEG 95 without subsampling 1.43.
BYTES_A_PIXEL = {"png": 2.4, "jpeg95": 1.43}
PREDICTION_BYTES = 32  # a test picture: id, two labels, two probabilities, before compression
SENTENCES_AT_ONCE = 64  # sgid.sentences.BATCH, which loads torch
OWN_SCHEDULER = {"instruct-pix2pix": "euler-ancestral"}  # that of the checkpoint; Stable Diffusion v1-5's is PNDM
DEFAULT_SCHEDULER = "pndm"
MINIATURE = "miniature"  # in the key of work by the tiny models, which are none of the hub's


def unknown(*_names: str) -> None:
    """Nothing is known yet."""
    return None


@dataclass(frozen=True)
class Found:
    """What results say. rate: (data set, recipe) to the chosen noise rate; guided: the same to a share of prompts;
    weight_bytes: model to the bytes of its files. Each answers None where it cannot say.
    """

    rate: Callable[[str, str], float | None] = unknown
    guided: Callable[[str, str], float | None] = unknown
    weight_bytes: Callable[[str], float | None] = unknown


class Amounts:
    """The work of each job of a Matrix."""

    def __init__(self, matrix: Matrix, found: Found | None = None):
        self.matrix, self.config, self.found = matrix, matrix.config, found or Found()

    def archives(self, dataset: str) -> Work:
        """Bytes to fetch."""
        archives = self.config["datasets"][dataset].get("archives", {}).values()
        return Work(stored=float(sum(entry.get("bytes", 0) for entry in archives)))

    def weights(self, model: str) -> Work:
        """Bytes to fetch, None counted as 0."""
        return Work(stored=self.found.weight_bytes(model) or 0.0)

    def tables(self, dataset: str) -> Work:
        """Image tables hold the archives' pictures, those held out twice."""
        validation = self.config["datasets"][dataset]["validation"]
        twice = validation if isinstance(validation, float) else 0.0
        return Work(stored=self.archives(dataset).stored * (1 + twice))

    def images(self, dataset: str, recipe: str | None) -> int:
        """Originals that a recipe redraws, all of them for None."""
        entry, limit = self.matrix.datasets[dataset], self.matrix.recipes[recipe]["per_class"] if recipe else None
        return entry["train"] if limit is None else min(entry["train"], limit * entry["classes"])

    def in_shard(self, images: int, shards: int, i: int) -> int:
        """Rows i, i + n, ... of n shards."""
        return len(range(i, images, shards))

    def sentences(self, dataset: str) -> Work:
        """T5's sentences about each class: steps of a token for a batch, where it never repeats itself."""
        classes, how = self.matrix.datasets[dataset]["classes"], self.config["sentences"]
        steps = classes * ceil(how["count"] / SENTENCES_AT_ONCE) * how["max_length"]
        return Work("sentences", self._key("t5", dataset), units=steps, captions=classes * how["count"])

    def captions(self, dataset: str, i: int) -> Work:
        """Both of BLIP's samplers on one shard."""
        images = self.in_shard(self.images(dataset, None), self.matrix.shards(dataset), i)
        key = (*self._key("blip", dataset), str(sequences_of(self.config["captions"])))
        return Work(
            "captions", key, images, images, images=images, captions=2 * self.config["captions"]["count"] * images
        )

    def scores(self, dataset: str, i: int) -> Work:
        """One sampler's captions, and the label text, of one shard."""
        images = self.in_shard(self.images(dataset, None), self.matrix.shards(dataset), i)
        count = self.config["captions"]["count"]
        key = (*self._key(self.matrix.scoring_model, dataset), str(count))
        # The documented way is measured on the twenty captions of both samplers.
        return Work("scores", key, images, images * count / 20, images=images, captions=count * images)

    def rate_of(self, dataset: str, recipe: str, noise: str) -> float:
        """The noise rate behind a folder's name."""
        if noise != CHOSEN:
            return float(noise)
        return self.found.rate(dataset, self.matrix.recipes[recipe]["noise"]["as"]) or ASSUMED_RATE

    def guided(self, dataset: str, recipe: str) -> float:
        """Share of a recipe's pictures that need the unconditional half of the work."""
        entry = self.matrix.recipes[recipe]
        if entry["parts"] == "none" or entry["guidance"] == {"mode": "constant", "value": 1.0}:
            return 0.0
        share = self.found.guided(dataset, recipe)
        return 1.0 if share is None else share

    def drawing(self, dataset: str, recipe: str, noise: str, i: int) -> Work:
        """One shard of drawn pictures."""
        entry, of = self.matrix.recipes[recipe], self.matrix.datasets[dataset]
        how, generator = self.config["generation"] | entry["generation"], entry["generator"]
        whole = generator != "img2img"
        scheduler = how["scheduler"] or OWN_SCHEDULER.get(generator, DEFAULT_SCHEDULER)
        rate = self.rate_of(dataset, recipe, noise)
        calls = evaluations_of_schedule(how["steps"], rate, whole=whole, scheduler=scheduler)
        units = draw_units(
            calls,
            guided=self.guided(dataset, recipe),
            edits=generator == "instruct-pix2pix",
            encodes=generator != "text2img",
            resolution=of["resolution"],
        )
        pictures = entry["replicates"] * self.in_shard(
            self.images(dataset, recipe), self.matrix.shards(dataset, recipe), i
        )
        stored = pictures * (of["stored"] or of["resolution"]) ** 2 * BYTES_A_PIXEL[how["encoding"]]
        key = (*self._key(entry["model"], dataset), str(of["resolution"]))
        work = {"images": pictures, "stored": stored, "cached": stored}
        return Work("drawing", key, units * pictures, float(calls * pictures), **work)

    def training(self, dataset: str, backbone: str, method: str | None, *, recipe: str | None, runs: int) -> Work:
        """Runs of one backbone on one data set; method None: candidates, which leave validation images out."""
        of, settings = self.matrix.datasets[dataset], training_of(self.config, method)
        held_out = self._validation(dataset)
        kept = of["train"] - held_out if method is None and isinstance(of["validation"], float) else of["train"]
        entry = self.backbone(backbone, dataset)
        drawn = self._drawn(dataset, recipe, settings.get("per_original")) * kept / of["train"]
        measured = held_out if method is None else self._test_images(dataset)
        by_epoch = held_out if settings["report"] == "best_on_validation" and method is not None else 0
        epochs = Epochs(kept, round(drawn), measured, entry["recipe"]["epochs"])
        passed = epochs.pictures(settings)
        online = self.config["methods"][method].get("online") if method else None
        head = entry.get("train") == "head"
        cached = head and not online and is_fixed(entry["view"])
        key = (
            *self._backbone_key(backbone, dataset),
            str(entry["view"]["size"]),
            "cached" if cached else "head" if head else "all",
        )
        tested = runs * (measured + by_epoch * epochs.epochs)
        units = (epochs.at_hand(settings) + tested) if cached else runs * passed + tested * FORWARD
        naive = runs * (passed + measured * epochs.epochs * FORWARD)
        stored = 0.0 if method is None else runs * measured * PREDICTION_BYTES
        held = (epochs.originals + epochs.generated + measured) * entry["view"]["resize"] ** 2 * 3
        amounts = {"images": runs * passed, "stored": stored, "cached": stored, "held": held}
        return Work("training", key, units, naive, runs=runs, **amounts)

    def measuring(self, figure: str, dataset: str) -> Work:
        """Originals and what was made of them, each seen once by the encoder."""
        entry, of = self.matrix.entry(figure), self.matrix.datasets[dataset]
        originals = min(of["train"], entry["per_class"] * of["classes"])
        pictures = originals * (1 + entry["replicates"])
        return Work("measuring", self._key(entry.get("encoder", "clip"), dataset), pictures, images=pictures)

    def comparing(self, dataset: str, recipe: str) -> Work:
        """A recipe's pictures and their originals, each seen once by CLIP; its texts, some a class, are left out."""
        pictures = self.images(dataset, recipe) + self._drawn(dataset, recipe, None)
        return Work("measuring", self._key("clip", dataset), pictures, images=pictures)

    def judging(self, dataset: str, recipe: str) -> Work:
        """One training on the originals, as candidates are trained, and what it says of a recipe's pictures."""
        backbone = self.config["selection"]["backbone"]
        work, drawn = self.training(dataset, backbone, None, recipe=None, runs=1), self._drawn(dataset, recipe, None)
        side = self.backbone(backbone, dataset)["view"]["resize"]
        tested = drawn if work.key[-1] == "cached" else drawn * FORWARD
        amounts = {"units": work.units + tested, "naive": work.naive + drawn * FORWARD}
        stored = float(drawn * PREDICTION_BYTES)
        return replace(work, **amounts, stored=stored, cached=stored, held=work.held + drawn * side**2 * 3)

    def backbone(self, name: str, dataset: str) -> dict:
        """A backbone as it is for the pictures of a data set, small or usual."""
        entry = self.config["backbones"][name]
        over = entry.get("small_images", {}) if self.matrix.datasets[dataset]["image_size"] <= 64 else {}
        return entry | {key: entry.get(key, {}) | over.get(key, {}) for key in ("view", "recipe")}

    def _backbone_key(self, name: str, dataset: str) -> tuple[str, str]:
        entry = self.config["backbones"][name]
        return name, MINIATURE if self.matrix.is_miniature(dataset) else f"{entry['library']}:{entry['name']}"

    def _key(self, model: str, dataset: str) -> tuple[str, str]:
        """A model by its name here and on the hub; the tiny ones of the drawn world are none of the hub's."""
        entry = self.config["models"][model]
        return model, MINIATURE if self.matrix.is_miniature(dataset) else entry.get("id", "")

    def _drawn(self, dataset: str, recipe: str | None, per_original: int | None) -> int:
        if recipe is None:
            return 0
        replicates = self.matrix.recipes[recipe]["replicates"]
        return self.images(dataset, recipe) * min(replicates, per_original or replicates)

    def _test_images(self, dataset: str) -> int:
        """As stated; of a folder by its split's share, or else as many as for training."""
        entry = self.matrix.datasets[dataset]
        share = entry["split"].get("test", 0.5) if isinstance(entry["split"], Mapping) else 0.5
        return entry.get("test") or round(entry["train"] * share / (1 - share))

    def _validation(self, dataset: str) -> int:
        """Validation images; an official set is taken to be as large as that for training (Flowers, DTD)."""
        entry = self.matrix.datasets[dataset]
        share = entry["validation"]
        return entry["train"] if share == "official" else round(share * entry["train"])


def is_fixed(view: dict) -> bool:
    """Whether pictures look the same in every epoch."""
    return not view.get("flip", True) and not view.get("padding") and view["crop"] == view["resize"]
