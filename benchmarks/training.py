"""Training classifiers, against a DataLoader with Pillow's transforms and against probes without cached features.

    python benchmarks/training.py                     the demo's tiny networks, 32 pixels, on the CPU
    python benchmarks/training.py --true-sizes        the paper's networks with random weights; meant for a GPU, on
                                                      which it has not been run yet

- training: pictures a second of a whole step. `ours`: decoded once to uint8 in memory, augmented in batches.
  `loader_N`: ImageFolder and a DataLoader with N workers, torchvision's transforms on Pillow images. Network,
  optimiser, step and batch size are the same, so the ratio is about where batches come from; it is taken against the
  fastest loader. CutMix and MoEx have no such rival.
- augmentation: pictures a second of base view and online transform alone, without decoding; Pillow in one process.
- probe: a linear probe of five seeds. `cached`: the frozen encoder sees every picture once; `uncached`: five probes
  whose encoder sees every picture in every epoch.
- with `--true-sizes` also five seeds in one job against a job for each, and the start of a compiled job with a cold and
  a warm cache of kernels.

All ways take turns after a round to warm up; each figure is the median.
Writes benchmarks/results/training-{tiny,true}.json.
`--smoke` runs every part at its smallest on the tiny networks, to see that it works; its figures mean nothing.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from customary_training import Customary, pillow_rate, write_folder  # noqa: E402
from torch import nn  # noqa: E402
from training_cases import (  # noqa: E402
    CLASSES,
    METHODS,
    TRUE_CASES,
    Case,
    Effort,
    case_of,
    tiny_backbone,
    tiny_case,
    true_backbone,
    true_case,
)

from sgid.image_table import pictures_of, read_table, write_table  # noqa: E402
from sgid.online import Augmentation, Online  # noqa: E402
from sgid.runtime import device_name  # noqa: E402

CLIP_TINY = ROOT / "resources/miniature/clip"
RIVALLED = ("plain", "random_erasing", "randaugment")  # methods that Pillow's transforms have too


def medians(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The ways in turn, so that another job's load falls on all alike; three digits."""
    for way in ways.values():
        way()
    measured = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    return {name: float(f"{median(each[name] for each in measured):.3g}") for name in ways}


def seconds(work: Callable[[], object]) -> float:
    """Of the wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def our_rate(case: Case, method: str, effort: Effort, device: str) -> float:
    """Pictures a second of a training, as its record says."""
    _, history = case.trainer(epochs=effort.epochs, method=method, device=device).fit(0)
    return history.images / history.seconds


def training(case: Case, effort: Effort, device: str, *, methods: tuple[str, ...] = tuple(METHODS)) -> dict:
    """Pictures a second of whole steps by method and way, and the ratio to the fastest loader."""
    report = {"decoding_once_seconds": float(f"{seconds(lambda: case.training_set):.3g}"), "images_a_second": {}}
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), case.encoded, case.pictures["label"].to_pylist(), suffix=case.suffix)
        for method in methods:
            ways = {"ours": partial(our_rate, case, method, effort, device)}
            for workers in effort.workers if method in RIVALLED else ():
                how = {"classes": CLASSES, "method": method, "workers": workers, "device": device}
                rival = Customary(case.backbone, Path(folder), **how)
                ways[f"loader_{workers}"] = partial(rival.rate, 1)
            report["images_a_second"][method] = medians(ways, effort.rounds)
    return report | {"ratio": ratios(report["images_a_second"])}


def ratios(rates: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Ours over the fastest other way, where there is one."""
    rivals = {method: max(list(way.values())[1:], default=None) for method, way in rates.items()}
    return {method: float(f"{rates[method]['ours'] / rival:.3g}") for method, rival in rivals.items() if rival}


def augmentation(case: Case, effort: Effort, device: str) -> dict:
    """Pictures a second of base view and online transform alone, by method and way."""
    pictures, rates = pictures_of(case.pictures), {}
    for method in METHODS:
        ways = {"ours": partial(our_augmentation, case, method, device)}
        if method in RIVALLED:
            ways["pillow"] = partial(pillow_rate, pictures, case.backbone.view, method, resized=case.suffix == "jpg")
        rates[method] = medians(ways, effort.rounds)
    return {"images_a_second": rates, "ratio": ratios(rates)}


def our_augmentation(case: Case, method: str, device: str) -> float:
    """Pictures a second, in the recipe's batches; MoEx acts on the pictures in place of features."""
    layer, parts = nn.Identity(), case.training_set
    online = Online.from_config(METHODS[method], image_size=case.backbone.view.resize)
    augment = Augmentation(case.backbone.view, online, layer, seed=0)
    targets = nn.functional.one_hot(parts.labels, CLASSES).float()
    whole = [part.to(device) for part in (parts.images, targets, parts.generated)]
    batches = list(zip(*(part.split(case.backbone.recipe.batch_size) for part in whole), strict=True))
    began = time.perf_counter()
    for batch in batches:
        with augment(*batch) as (images, _):
            layer(images)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return len(parts) / (time.perf_counter() - began)


def probe(case: Case, effort: Effort, device: str, *, weights_folder: Path | None) -> dict:
    """Seconds of probes on features that all seeds share, and of probes that encode every picture in every epoch."""
    how = {"epochs": effort.job_epochs, "device": device, "weights_folder": weights_folder}
    flipped = replace(case, backbone=replace(case.backbone, view=replace(case.backbone.view, flip=True)))
    assert case.trainer(**how).one_encoder
    assert not flipped.trainer(**how).on_features

    def all_seeds(of: Case) -> float:
        assert len(of.training_set)  # decoded, which is no part of what is measured
        trainer = of.trainer(**how)
        return seconds(lambda: [trainer.fit(seed) for seed in range(effort.seeds)])

    taken = medians({"cached": partial(all_seeds, case), "uncached": partial(all_seeds, flipped)}, effort.rounds)
    report = {"seeds": effort.seeds, "epochs": effort.job_epochs, "images": len(case.pictures), "seconds": taken}
    return report | {"ratio": float(f"{taken['uncached'] / taken['cached']:.3g}")}


def jobs(case: Case, effort: Effort, asked: argparse.Namespace) -> dict:
    """Wall seconds of some seeds in one process and in one each, and of one compiled epoch, cold and warm."""
    with tempfile.TemporaryDirectory() as folder:
        write_table(case.pictures, Path(folder, "pictures.parquet"))
        own_cache = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(Path(folder, "kernels"))}

        def job(*words: object) -> float:
            smoke = ["--smoke"] if asked.smoke else []
            command = [sys.executable, __file__, "--job", folder, "--device", asked.device, *smoke, *map(str, words)]
            return seconds(lambda: subprocess.run(command, check=True, env=own_cache))

        together = job("--epochs", effort.job_epochs, "--seeds", *range(effort.seeds))
        alone = sum(job("--epochs", effort.job_epochs, "--seeds", seed) for seed in range(effort.seeds))
        starts = {} if asked.smoke else {name: job("--compile") for name in ("cold", "warm")}
    seeds = {"seeds": effort.seeds, "one_job": together, "a_job_each": alone, "ratio": alone / together}
    return {"seconds_of_seeds": seeds, "seconds_of_a_compiled_start": starts}


def run_job(asked: argparse.Namespace) -> None:
    """What a job of `jobs` does: read, decode, train each seed."""
    backbone = tiny_backbone() if asked.smoke else true_backbone("resnet50_224")
    case = case_of(backbone, read_table(Path(asked.job, "pictures.parquet")))
    trainer = case.trainer(epochs=asked.epochs, device=asked.device, training={"compile": asked.compile})
    for seed in asked.seeds:
        trainer.fit(seed)


def tiny_report(effort: Effort, device: str) -> dict:
    """All that runs on the demo's networks."""
    case, frozen = tiny_case(effort), tiny_case(replace(effort, images=max(32, effort.images // 4)), "clip_tiny")
    return {
        "training": training(case, effort, device),
        "augmentation": augmentation(case, effort, device),
        "probe": probe(frozen, effort, device, weights_folder=CLIP_TINY),
    }


def true_report(effort: Effort, asked: argparse.Namespace) -> dict:
    """All that runs on the paper's networks; on a GPU the share of what is hoped for."""
    if asked.smoke:
        cases = {"resnet50_224": tiny_case(effort)}
    else:
        cases = {name: true_case(effort, name) for name in TRUE_CASES}
    steps = {name: training(case, effort, asked.device, methods=("plain",)) for name, case in cases.items()}
    for name, step in steps.items():
        step["share_of_goal"] = float(f"{step['images_a_second']['plain']['ours'] / TRUE_CASES[name][-1]:.3g}")
    resnets = {name: case for name, case in cases.items() if name.startswith("resnet50")}
    return {
        "training": steps,
        "augmentation": {name: augmentation(case, effort, asked.device) for name, case in resnets.items()},
        "jobs": jobs(cases["resnet50_224"], effort, asked),
    }


def described(asked: argparse.Namespace, effort: Effort) -> dict:
    """What was measured, on what."""
    return {
        "what": f"training at {'true' if asked.true_sizes else 'tiny'} sizes{', smoke' if asked.smoke else ''}",
        "images": effort.images,
        "rounds": effort.rounds,
        "device": device_name(asked.device),
        "cores": os.cpu_count(),
        "load_of_the_machine_before": round(os.getloadavg()[0], 2),
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "timm": timm.__version__,
        },
    }


def options() -> argparse.Namespace:
    """The command line; the options behind `--job` are what the benchmark calls itself with."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--true-sizes", action="store_true")
    arguments.add_argument("--smoke", action="store_true")
    arguments.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    hidden = {"help": argparse.SUPPRESS}
    arguments.add_argument("--job", **hidden)
    arguments.add_argument("--epochs", type=int, default=1, **hidden)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[0], **hidden)
    arguments.add_argument("--compile", action="store_true", **hidden)
    return arguments.parse_args()


def main() -> None:
    """Measure, write the report, print it."""
    asked = options()
    torch.set_num_threads(os.cpu_count() or 1)
    if asked.job:
        return run_job(asked)
    if asked.smoke:
        effort = Effort(images=32, rounds=1, workers=(0,), job_epochs=1, seeds=2)
    elif asked.true_sizes:
        effort = Effort(images=1024, epochs=4, rounds=asked.rounds, workers=(2, 16), job_epochs=20)
    else:
        effort = Effort(images=2048, rounds=asked.rounds)
    report = described(asked, effort)
    report |= true_report(effort, asked) if asked.true_sizes else tiny_report(effort, asked.device)
    path = asked.results / f"training-{'true' if asked.true_sizes else 'tiny'}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
    return None


if __name__ == "__main__":
    main()
