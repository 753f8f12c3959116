"""Archive to image tables and back to training tensors, against what a user would run otherwise, in one run.

    python benchmarks/datasets.py [--images 60000]

Makes a CIFAR-10 archive of that many images (the real pickled layout; pixels from the JPEG copy in ../shared/data where
it lies there, else smooth random pictures) and measures, each in a process of its own:

- prepare: this workflow, archive to three tables, with index and hashes
- images:  the customary way, torchvision reads the archive and saves one PNG an image in class folders
- read:    this workflow, `pixels_of` of the train table
- loader:  the customary way, ImageFolder with a DataLoader of two workers over those PNG files
- hub:     the customary way, the `image` column decoded row by row as the Hugging Face `datasets` reader does

Writes benchmarks/results/datasets.json.
"""

import argparse
import importlib
import io
import json
import os
import pickle
import platform
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
GENUINE = ROOT.parent / "shared" / "data" / "cifar10_full_jpeg.tar.gz"
RESULTS = Path(__file__).parent / "results" / "datasets.json"


def genuine_pixels() -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """uint8 (N, 3072) and labels of both splits, decoded from the JPEG copy; classes take turns as in no archive."""
    rows: dict[str, list] = {"train": [], "test": []}
    with tarfile.open(GENUINE) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".jpg"):
                split, name, file = member.name.split("/")[-3:]
                picture = Image.open(io.BytesIO(archive.extractfile(member).read())).convert("RGB")
                pixels = np.asarray(picture).transpose(2, 0, 1).ravel()
                rows[split].append((file, NAMES.index(name), pixels))
    rows = {split: sorted(part, key=lambda row: row[:2]) for split, part in rows.items()}
    return (
        {split: np.stack([row[2] for row in part]) for split, part in rows.items()},
        {split: [row[1] for row in part] for split, part in rows.items()},
    )


def smooth_pixels(images: int) -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """Random pictures that compress about as photographs do."""
    rng = np.random.default_rng(0)
    counts = {"train": images * 5 // 6, "test": images // 6}
    small = {split: rng.integers(0, 256, (count, 3, 8, 8), np.uint8) for split, count in counts.items()}
    pixels = {split: part.repeat(4, 2).repeat(4, 3).reshape(len(part), -1) for split, part in small.items()}
    return pixels, {split: [index % 10 for index in range(count)] for split, count in counts.items()}


def write_archive(path: Path, pixels: dict[str, np.ndarray], labels: dict[str, list[int]]) -> None:
    """The archive in its official layout."""
    parts = dict(zip([f"data_batch_{k}" for k in range(1, 6)], np.array_split(pixels["train"], 5), strict=True))
    train = iter(labels["train"])
    files = {
        name: {"batch_label": name, "labels": [next(train) for _ in part], "data": part, "filenames": [""] * len(part)}
        for name, part in parts.items()
    }
    files["test_batch"] = {"batch_label": "test", "labels": labels["test"], "data": pixels["test"], "filenames": []}
    files["batches.meta"] = {"label_names": NAMES, "num_cases_per_batch": 10000, "num_vis": 3072}
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            data = pickle.dumps(content, protocol=2).replace(b"numpy._core", b"numpy.core")
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def prepare_tables(work: Path) -> int:
    """This workflow: archive to tables."""
    from sgid.datasets import SPLITS, Request, prepare
    from sgid.results_table import write_frame

    entry = {"source": "cifar10", "validation": 0.1, "broken": "stop"}
    data = prepare("cifar10", entry, Request(files={"data": work / "archive.tar.gz"}), workspace=work)
    for split in SPLITS:
        data.write(split, work / f"{split}.parquet")
    write_frame(data.index, work / "index.csv")
    return len(data.index) - len(data.parts["validation"])


def save_images(work: Path) -> int:
    """The customary way: pickles to one PNG an image in class folders."""
    count = 0
    with tarfile.open(work / "archive.tar.gz") as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if "batch" not in name or name == "batches.meta":
                continue
            batch = pickle.load(archive.extractfile(member), encoding="latin1")
            for label, row in zip(batch["labels"], batch["data"], strict=True):
                folder = work / "png" / ("test" if name == "test_batch" else "train") / NAMES[label]
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(row.reshape(3, 32, 32).transpose(1, 2, 0)).save(folder / f"{count:05d}.png")
                count += 1
    return count


def read_tensors(work: Path) -> int:
    """This workflow: the train table as uint8 tensors."""
    import torch

    from sgid.image_table import pixels_of, read_table

    return len(torch.from_numpy(pixels_of(read_table(work / "train.parquet"), 32)))


def read_loader(work: Path) -> int:
    """The customary way: ImageFolder and a DataLoader of two workers, to uint8 tensors."""
    import torch
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import PILToTensor

    folder = ImageFolder(str(work / "png" / "train"), transform=PILToTensor())
    loader = torch.utils.data.DataLoader(folder, batch_size=512, num_workers=2)
    return len(torch.cat([images for images, _ in loader]))


def read_rows(work: Path) -> int:
    """The customary way with Parquet: each row's bytes through Pillow, as the `datasets` library decodes."""
    import pyarrow.parquet as pq
    import torch

    rows = pq.read_table(work / "train.parquet")["image"].to_pylist()
    decoded = [np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB")) for row in rows]
    return len(torch.from_numpy(np.stack(decoded)))


PARTS = {
    "prepare": prepare_tables,
    "images": save_images,
    "read": read_tensors,
    "loader": read_loader,
    "hub": read_rows,
}


def measured(part: str, work: Path) -> dict:
    """One part in a process of its own: images, seconds without imports, images a second, peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--part", part, "--work", str(work)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_part(part: str, work: Path) -> None:
    """Print the measurement of one part as JSON; libraries are imported before the clock starts."""
    for name in ("torch", "torchvision.datasets", "sgid.datasets", "sgid.results_table"):
        importlib.import_module(name)
    began = time.perf_counter()
    images = PARTS[part](work)
    seconds = time.perf_counter() - began
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"images": images, "seconds": round(seconds, 2), "images_a_second": round(images / seconds),
                      "peak_megabytes": round(max(own, children) / 1024)}))  # fmt: skip


def main() -> None:
    """Make the archive, measure each part twice, keep the faster."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--images", type=int, default=60000)
    arguments.add_argument("--part")
    arguments.add_argument("--work", type=Path)
    asked = arguments.parse_args()
    if asked.part:
        run_part(asked.part, asked.work)
        return
    genuine = GENUINE.exists() and asked.images == 60000
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_archive(work / "archive.tar.gz", *(genuine_pixels() if genuine else smooth_pixels(asked.images)))
        found = {
            part: min((measured(part, work) for _ in range(2)), key=lambda each: each["seconds"]) for part in PARTS
        }
        sizes = {name: (work / name).stat().st_size for name in ("archive.tar.gz", "train.parquet", "test.parquet")}
    report = {
        "what": "CIFAR-10 at full size: archive to tables, and tables to uint8 tensors",
        "pixels": "the JPEG copy of CIFAR-10" if genuine else "drawn",
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU",
        "python": platform.python_version(),
        "measured": found,
        "bytes": sizes,
        "ratio_prepare_to_images": round(found["images"]["seconds"] / found["prepare"]["seconds"], 2),
        "ratio_read_to_loader": round(found["loader"]["seconds"] / found["read"]["seconds"], 2),
        "ratio_read_to_rows": round(found["hub"]["seconds"] / found["read"]["seconds"], 2),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
