"""The customary way to train: image files in class folders, a DataLoader with workers, transforms of Pillow images."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from sgid.backbones import Backbone, build_backbone
from sgid.optimisation import optimizer_of, training_step
from sgid.transforms import View

# What each method adds, in front of and behind the conversion to a tensor.
PIXELS = {"randaugment": lambda: transforms.RandAugment()}
VALUES = {"random_erasing": lambda: transforms.RandomErasing(p=0.5, scale=(0.02, 0.4), ratio=(0.3, 1 / 0.3))}


def write_folder(folder: Path, encoded: list[bytes], labels: list[int], *, suffix: str) -> None:
    """One file a picture, in a folder for each class."""
    for number, (data, label) in enumerate(zip(encoded, labels, strict=True)):
        path = folder / f"{label:03d}" / f"{number:05d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def pillow_transforms(view: View, method: str, *, resized: bool) -> transforms.Compose:
    """From an opened picture to what the network sees; `resized`: files are of another size than `view.resize`."""
    steps = [transforms.Resize((view.resize, view.resize))] if resized else []
    steps += [transforms.RandomCrop(view.crop, padding=view.padding or None)]
    steps += [transforms.RandomHorizontalFlip()] if view.flip else []
    steps += [PIXELS[method]()] if method in PIXELS else []
    steps += [transforms.ToTensor(), transforms.Normalize(view.mean, view.std)]
    return transforms.Compose(steps + ([VALUES[method]()] if method in VALUES else []))


class Customary:
    """One network trained from a folder; the step itself is ours, so that what differs is where batches come from."""

    def __init__(self, backbone: Backbone, folder: Path, *, classes: int, method: str, workers: int, device: str):
        self.recipe, self.classes, self.device = backbone.recipe, classes, torch.device(device)
        self.model = build_backbone(backbone, classes, weights_folder=None, seed=0)
        self.model = self.model.to(self.device, memory_format=torch.channels_last)
        self.optimizer = optimizer_of(self.model, self.recipe)
        resized = not any(folder.rglob("*.png"))
        dataset = ImageFolder(str(folder), pillow_transforms(backbone.view, method, resized=resized))
        self.loader = DataLoader(
            dataset,
            batch_size=self.recipe.batch_size,
            shuffle=True,
            num_workers=workers,
            pin_memory=self.device.type == "cuda",
            persistent_workers=workers > 0,
        )

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and one-hot targets on the device, epoch after epoch."""
        for images, labels in itertools.chain.from_iterable(itertools.repeat(self.loader)):
            moved = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
            yield moved, one_hot(labels.to(self.device, non_blocking=True), self.classes).float()

    def rate(self, epochs: int) -> float:
        """Images a second over some epochs."""
        self.model.train()
        began, losses = time.perf_counter(), []
        for images, targets in itertools.islice(self.batches(), epochs * len(self.loader)):
            losses.append(training_step(self.model, images, targets, optimizer=self.optimizer, recipe=self.recipe))
        torch.stack(losses).tolist()  # waits for the device
        return epochs * len(self.loader.dataset) / (time.perf_counter() - began)


def pillow_rate(pictures: list, view: View, method: str, *, resized: bool) -> float:
    """Pictures a second through the transforms alone, in one process."""
    change, began = pillow_transforms(view, method, resized=resized), time.perf_counter()
    for picture in pictures:
        change(picture)
    return len(pictures) / (time.perf_counter() - began)
