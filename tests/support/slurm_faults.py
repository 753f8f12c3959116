"""What faults need: jobs that last, how far they are, and whether what was there before is untouched."""

import re
import subprocess
from pathlib import Path

from slurm_checkout import Checkout

PICTURES = 60  # in one shard
RUN = "results/runs/shapes/resnet_tiny/{method}/seed-0.json"
SHARD = "results/images/shapes/sgid/noise-{noise}/shard-0-of-2.parquet"
BEGAN = re.compile(r"going on behind step (\d+) of \d+")


def drawn(checkout: Checkout, noise: str) -> list[str]:
    """The keys of all pictures that the shard's pack holds, in the order in which they were drawn."""
    pack = checkout.folder / f"resources/drawn/shapes/sgid/noise-{noise}/shard-0-of-2.pack"
    lines = pack.read_bytes().split(b'{"key": ')[1:] if pack.exists() else []
    return [line[1:65].decode() for line in lines]


def wait_for_pictures(checkout: Checkout, noise: str, count: int = 8) -> None:
    checkout.slurm.wait_until(lambda: len(drawn(checkout, noise)) >= count, f"{count} pictures", 120)


def wait_for_steps(checkout: Checkout) -> None:
    """Until the training takes steps, which is when it heeds USR1; Snakemake never does."""
    heeds = re.compile(r"^SigCgt:\s*[0-9a-f]*([2367abef])[0-9a-f]{2}$", flags=re.MULTILINE)

    def at_work() -> bool:
        job = checkout.job("train_classifier")
        processes = checkout.slurm.processes(f"SLURM_JOB_ID={job.number}") if job else []
        statuses = [Path(f"/proc/{number}/status") for number in processes]
        return any(heeds.search(status.read_text()) for status in statuses if status.exists())

    checkout.slurm.wait_until(at_work, "steps", 120)


def steps_before(checkout: Checkout, method: str) -> int:
    """How many steps the last training found done."""
    log = checkout.folder / f"logs/train_classifier/shapes/resnet_tiny/{method}/seeds.log"
    return int(BEGAN.search(log.read_text())[1])


def finishes(process: subprocess.Popen, checkout: Checkout) -> None:
    try:
        assert process.wait(420) == 0, checkout.said.read_text() + checkout.job_logs()
    finally:
        process.kill()
        process.wait()


def kept(checkout: Checkout, before: dict) -> bool:
    """Whether every result of before is as it was."""
    return before.items() <= checkout.outputs().items()
