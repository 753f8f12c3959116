"""Train the classifiers of one (data set, backbone, method): all that its seeds have in common is made once.

The pictures are decoded once, stay on the device as uint8 where they fit, and are augmented there in batches. A frozen
encoder that sees the same pixels every epoch is run over them once, and only its head is trained. What is reported is
the last epoch, or the best on validation; never the best on the test set.
"""

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sgid.backbones import Backbone, Classifier, build_backbone
from sgid.checkpoints import Checkpoint
from sgid.composition import TrainingSet, planned_steps
from sgid.loop import Augment, Examples, History, Plan, Run, optimise
from sgid.memory import memory_in_one_sentence, moved, placed
from sgid.mixing import MoEx
from sgid.online import Augmentation, Online, unchanged
from sgid.optimisation import autocast
from sgid.predictions import Pictures, logits_of
from sgid.transforms import evaluation_view

LOG = logging.getLogger("sgid.training")
ENCODING_BATCH = 256
REPORTS = ("last", "best_on_validation")


@dataclass(frozen=True)
class Probe:
    """A classifier with a frozen encoder, and the features (N, D) of its training and validation pictures."""

    model: Classifier
    features: Tensor
    validation: Tensor | None


@dataclass(frozen=True)
class Trainer:
    """Trains one classifier a seed; the same seed on a CPU gives the same bits, whatever was trained before.

    compose: gives the training set, when it is first needed; training: the settings `training` of the method;
    weights_folder: of a pre-trained backbone; validation: the pictures that `report: best_on_validation` measures.
    """

    backbone: Backbone
    compose: Callable[[], TrainingSet]
    classes: int
    training: Mapping[str, Any] = field(default_factory=dict)
    online: Online = field(default_factory=Online)
    weights_folder: Path | None = None
    device: str = "cpu"
    validation: Pictures | None = None

    @cached_property
    def training_set(self) -> TrainingSet:
        """The pictures, decoded."""
        return self.compose()

    def fit(self, seed: int, *, checkpoint: Checkpoint | None = None) -> tuple[Classifier, History]:
        """Build the backbone and train it by its recipe, from where the checkpoint left it.

        Raises ValueError for wrong settings and a loss that is no number, MemoryError for too little memory,
        InterruptedError behind a stop signal.
        """
        self._refuse_report()
        with memory_in_one_sentence(self.backbone.recipe.batch_size, self.backbone.view.size):
            model, run = self._probe_run(seed) if self.on_features else self._run(seed)
            return model, optimise(run, checkpoint)

    @property
    def on_features(self) -> bool:
        """Whether an encoder is frozen and sees the same pixels every epoch, so that its features can be kept."""
        return self.backbone.train == "head" and self.backbone.view.is_fixed and self.online == Online()

    @property
    def one_encoder(self) -> bool:
        """Whether all seeds share one encoder object: one that is frozen, seen through features, and not random."""
        return self.on_features and self.backbone.weights is not None

    def _run(self, seed: int) -> tuple[Classifier, Run]:
        model = self._built(seed)
        layer = model.layer(self.backbone.exchange_after)
        augment = Augmentation(self.backbone.view, self.online, layer, seed=seed)
        plan = replace(self._plan(augment), chance=augment.generator, forward=self._forward)
        return model, Run(model, self._examples, plan=plan, seed=seed)

    def _probe_run(self, seed: int) -> tuple[Classifier, Run]:
        probe = self._shared_probe if self.one_encoder else self._encoded(seed)
        # Of a pre-trained backbone the head starts at zero, whatever the seed.
        model = Classifier(probe.model.encoder, copy.deepcopy(probe.model.head), frozen=True)
        plan = self._plan(unchanged, measured=probe.validation)
        examples = Examples(probe.features, *self._wanted, self._device)
        return model, Run(model.head, examples, plan=plan, seed=seed)

    def _plan(self, augment: Augment, *, measured: Tensor | None = None) -> Plan:
        """The plan of a run; `measured` are the features of the validation pictures, where a head alone is trained."""
        best = self.training.get("report", "last") == "best_on_validation"
        return Plan(
            recipe=self.backbone.recipe,
            steps=planned_steps(self.training_set, self.backbone.recipe, self.training),
            epoch_rows=self.training_set.epoch_rows,
            augment=augment,
            measure=(lambda network: self._accuracy(network, measured)) if best else None,
        )

    def _accuracy(self, network: nn.Module, features: Tensor | None) -> float:
        """Percent of the validation pictures that a classifier, or a head on their features, tells right."""
        pictures = self.validation
        if features is None:
            logits = logits_of([network], self.backbone, pictures.images)[0]
        else:
            with torch.no_grad():
                logits = network(features).cpu()
        return 100 * (logits.argmax(1) == pictures.labels).double().mean().item()

    def _forward(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """The network, compiled if the settings say so."""
        if not self.training.get("compile", False):
            return model
        if any(isinstance(mixing, MoEx) for mixing in self.online.mixings):
            LOG.info("MoEx acts inside the network by a hook of each step, which compiled code would pass over")
            return model
        return torch.compile(model, dynamic=False)  # an epoch has batches of two sizes at most

    @property
    def _device(self) -> torch.device:
        return torch.device(self.device)

    def _built(self, seed: int) -> Classifier:
        model = build_backbone(self.backbone, self.classes, weights_folder=self.weights_folder, seed=seed)
        return model.to(self._device, memory_format=torch.channels_last)

    @cached_property
    def _examples(self) -> Examples:
        return Examples(placed(self.training_set.images, self._device), *self._wanted, self._device)

    @cached_property
    def _wanted(self) -> tuple[Tensor, Tensor]:
        """Targets, float (N, classes), and which pictures were generated, bool (N,), on the device."""
        labels, generated = (part.to(self._device) for part in (self.training_set.labels, self.training_set.generated))
        return one_hot(labels, self.classes).float(), generated

    @cached_property
    def _shared_probe(self) -> Probe:
        return self._encoded(seed=0)

    def _encoded(self, seed: int) -> Probe:
        model = self._built(seed)
        held_out = None if self.validation is None else encoded(model, self.backbone, self.validation.images)
        return Probe(model, encoded(model, self.backbone, self.training_set.images), held_out)

    def _refuse_report(self) -> None:
        report = self.training.get("report", "last")
        if report not in REPORTS:
            raise ValueError(f"training.report: {report!r} is not defined (have: {', '.join(REPORTS)})")
        if report == "best_on_validation" and self.validation is None:
            raise ValueError("training.report: best_on_validation needs validation images, and none were given")


def fit_classifier(
    backbone: Backbone,
    training_set: TrainingSet,
    *,
    classes: int,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    online: Online | None = None,
    weights_folder: Path | None = None,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    validation: Pictures | None = None,
) -> tuple[Classifier, History]:
    """One classifier by itself; `Trainer` says what the arguments are."""
    trainer = Trainer(
        backbone,
        lambda: training_set,
        classes,
        training=settings or {},
        online=online or Online(),
        weights_folder=weights_folder,
        device=device,
        validation=validation,
    )
    return trainer.fit(seed, checkpoint=checkpoint)


@torch.no_grad()
def encoded(model: Classifier, backbone: Backbone, images: Tensor) -> Tensor:
    """float32 (N, D) on the network's device: what the head sees of stored uint8 (N, S, S, 3), wherever they lie."""
    model.eval()
    device = next(model.parameters()).device
    with autocast(device):
        parts = [
            model.features(evaluation_view(moved(part, device), backbone.view)) for part in images.split(ENCODING_BATCH)
        ]
    return torch.cat(parts).float()
