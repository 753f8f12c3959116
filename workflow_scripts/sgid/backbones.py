"""Backbones: an encoder from timm or open_clip and a linear head, described by one entry of config/backbones.yaml."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sgid.seeding import seed_for
from sgid.transforms import View

SMALL_IMAGES = 64  # pixels: data sets of at most this side take an entry's `small_images` values


@dataclass(frozen=True)
class Recipe:
    """How a backbone is trained; every field stands in config/backbones.yaml with its basis.

    warmup: share of all steps; momentum is of sgd only; gradient_clip: largest norm, None for no limit; ema: share of
    the old average at each step of an exponential moving average of the weights, which is then what is reported.
    """

    optimizer: str
    learning_rate: float
    weight_decay: float
    epochs: int
    batch_size: int
    schedule: str = "cosine"
    warmup: float = 0.0
    label_smoothing: float = 0.0
    gradient_clip: float | None = None
    momentum: float = 0.9
    ema: float | None = None


@dataclass(frozen=True)
class Backbone:
    """What network, what it sees, and how it is trained.

    options: arguments of the library's own model constructor; stem: `standard`, or `small` for a 3 x 3 convolution of
    stride 1 and no pooling; train: `all`, or `head` for a linear probe on frozen, normalised features; weights: id of
    the pre-trained model, None for training from scratch; exchange_after: the module behind which MoEx acts.
    """

    library: str
    name: str
    view: View
    recipe: Recipe
    exchange_after: str
    options: Mapping[str, Any]
    stem: str = "standard"
    train: str = "all"
    weights: str | None = None

    @classmethod
    def from_config(cls, entry: Mapping[str, Any], *, image_size: int | None = None) -> "Backbone":
        """From a registry entry, with its `small_images` values where the data set's side in pixels is small."""
        entry = for_size(entry, image_size)
        return cls(
            library=entry["library"],
            name=entry["name"],
            view=View(**entry["view"]),
            recipe=Recipe(**entry["recipe"]),
            exchange_after=entry["exchange_after"],
            options=entry.get("options", {}),
            stem=entry.get("stem", "standard"),
            train=entry.get("train", "all"),
            weights=entry.get("weights"),
        )


def for_size(entry: Mapping[str, Any], image_size: int | None) -> dict[str, Any]:
    """An entry without `small_images`; its values replace the others where pictures are small."""
    general = {key: value for key, value in entry.items() if key != "small_images"}
    if image_size is None or image_size > SMALL_IMAGES:
        return general
    return overlaid(general, entry.get("small_images", {}))


def overlaid(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, mapping by mapping."""
    both = {key: overlaid(base[key], new) for key, new in changes.items() if isinstance(base.get(key), Mapping)}
    return {**base, **changes, **both}


class Classifier(nn.Module):
    """An encoder's pooled features and a linear head; a frozen encoder stays in evaluation mode, without gradients."""

    def __init__(self, encoder: nn.Module, head: nn.Linear, *, frozen: bool) -> None:
        super().__init__()
        self.encoder, self.head, self.frozen = encoder, head, frozen
        encoder.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> "Classifier":
        super().train(mode)
        self.encoder.train(mode and not self.frozen)
        return self

    def features(self, images: Tensor) -> Tensor:
        """Pooled features, float (B, D), of float (B, 3, S, S); a frozen encoder's are scaled to length √D."""
        if not self.frozen:
            return self.encoder(images)
        with torch.no_grad():
            features = self.encoder(images)
        # Entries near 1 whatever the encoder, so that one learning rate fits the head.
        return normalize(features, dim=1) * features.shape[1] ** 0.5

    def layer(self, name: str) -> nn.Module:
        """The module of the encoder that an entry's `exchange_after` names."""
        try:
            return self.encoder.get_submodule(name)
        except AttributeError as error:
            known = ", ".join(child for child, _ in self.encoder.named_children())
            raise ValueError(
                f"exchange_after: the network has no module {name!r} (have: {known}, and what is inside of them); "
                "correct the backbone's entry"
            ) from error

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        return self.head(self.features(images))


def build_backbone(backbone: Backbone, classes: int, *, weights_folder: Path | None, seed: int) -> Classifier:
    """The network on the CPU, its random weights drawn from `seed` alone; pre-trained ones come from the folder."""
    builder = BUILDERS.get(backbone.library)
    if builder is None:
        raise ValueError(f"library {backbone.library!r} of a backbone is not known (have: {', '.join(BUILDERS)})")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "weights"))
        encoder, width = builder(backbone, weights_folder)
        head = nn.Linear(width, classes)
    if backbone.weights:
        # A pre-trained encoder starts from uniform predictions: a random head would first pull its features about.
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    return Classifier(encoder, head, frozen=backbone.train == "head")


def timm_encoder(backbone: Backbone, weights_folder: Path | None) -> tuple[nn.Module, int]:
    """A timm network without its head, and its width; weights from `<folder>/model.safetensors` in timm's names."""
    import timm  # here, not above: the import takes seconds, and a job needs one library only

    if not timm.is_model(backbone.name):
        raise ValueError(unknown_network(backbone, timm.list_models()))
    try:
        encoder = timm.create_model(backbone.name, pretrained=False, num_classes=0, **backbone.options)
    except TypeError as error:
        raise ValueError(f"backbone {backbone.name!r}: timm refuses its options ({error}); correct them") from error
    if backbone.stem == "small":
        shrink_stem(encoder)
    if backbone.weights:
        load_encoder(encoder, weights_file(backbone, weights_folder, name="model.safetensors"))
    return encoder, encoder.head_hidden_size


def open_clip_encoder(backbone: Backbone, weights_folder: Path | None) -> tuple[nn.Module, int]:
    """The vision tower of a CLIP model with its projection, and its width; weights from an open_clip folder."""
    import open_clip  # here, not above: the import takes seconds, and a job needs one library only

    name = backbone.name
    if backbone.weights:
        weights = weights_file(backbone, weights_folder, name="open_clip_model.safetensors")
        name = f"local-dir:{weights.parent}"
    elif name not in open_clip.list_models():
        raise ValueError(unknown_network(backbone, open_clip.list_models()))
    tower = open_clip.create_model(name, **backbone.options).visual
    return tower, tower.output_dim


def unknown_network(backbone: Backbone, known: list[str]) -> str:
    """The sentence about a name that a library does not know, with the nearest that it does."""
    nearest = difflib.get_close_matches(backbone.name, known, n=3)
    hint = f" (near it: {', '.join(nearest)})" if nearest else ""
    return f"{backbone.library} has no network {backbone.name!r}{hint}; correct the backbone's name"


BUILDERS = {"timm": timm_encoder, "open_clip": open_clip_encoder}


def shrink_stem(encoder: nn.Module) -> None:
    """The usual stem of a ResNet for 32-pixel pictures: one 3 x 3 convolution of stride 1, no pooling."""
    encoder.conv1 = nn.Conv2d(3, encoder.bn1.num_features, kernel_size=3, padding=1, bias=False)
    nn.init.kaiming_normal_(encoder.conv1.weight, mode="fan_out", nonlinearity="relu")
    encoder.maxpool = nn.Identity()


def load_encoder(encoder: nn.Module, path: Path) -> None:
    """Load timm weights, except the head of the pre-training task; every other name must match."""
    from safetensors.torch import load_file

    classifier = encoder.pretrained_cfg["classifier"]  # of a distilled network, a tuple of two
    heads = tuple(f"{name}." for name in ([classifier] if isinstance(classifier, str) else classifier))
    state = {name: values for name, values in load_file(path).items() if not name.startswith(heads)}
    wrong = sorted(state.keys() ^ encoder.state_dict().keys())
    if wrong:
        raise ValueError(
            f"{path}: weights of another architecture ({wrong[0]!r} and {len(wrong) - 1} more differ); "
            "correct the backbone's name or options, or fetch its own weights"
        )
    encoder.load_state_dict(state)


def weights_file(backbone: Backbone, folder: Path | None, *, name: str) -> Path:
    """The file of pre-trained weights, or one sentence that names the folder and the next step."""
    if folder is None:
        raise ValueError(f"backbone {backbone.name!r} needs the weights {backbone.weights!r}, and no folder was given")
    if not (folder / name).is_file():
        raise FileNotFoundError(
            f"{folder} holds no {name}: make the weights of {backbone.weights!r} first (snakemake {folder}/model.json)"
        )
    return folder / name


def weights_folder_of(manifests: list[str]) -> Path | None:
    """The folder of `<folder>/model.json`, the one input of a pre-trained backbone; None for an empty list."""
    return Path(manifests[0]).parent if manifests else None
