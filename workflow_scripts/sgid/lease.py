"""A GPU of its own for each local job: one lock a device, let go by the kernel when its holder ends, however it ends.

Snakemake's `--resources gpu=4` counts jobs and assigns no device, so all would run on the first. The pool is what
SGID_GPUS, else CUDA_VISIBLE_DEVICES, else the driver lists; locks lie on the host's own disk, so that several Snakemake
processes, of several users too, share one pool. Inside a SLURM job the allocation is a pool of its own; where SLURM
names no devices, all jobs of the node share what the driver lists.
"""

import contextlib
import logging
import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sgid.locks import lock_if_free

LOG = logging.getLogger("sgid.lease")
PATIENCE = 24 * 3600.0  # seconds to wait for a device before giving up
POLL = 0.5  # seconds between looks, at least
NAMED_BY = ("SGID_GPUS", "CUDA_VISIBLE_DEVICES")
NONE = ("", "-1", "NoDevFiles")  # the last is SLURM's own
_held: list[int] = []  # open descriptors: closing one, or the end of the process, frees its device


def lease_devices(
    count: int = 1, *, patience: float = PATIENCE, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Devices that no other job has, as CUDA_VISIBLE_DEVICES names them; none on a machine without GPUs.

    All of `count` or none are taken, so that jobs of two devices cannot block each other. Raises ValueError where the
    pool is smaller than `count`, TimeoutError where none is free within `patience` seconds.
    """
    pool = pool_of(environment)
    if not pool:
        return []
    if len(pool) < count:
        raise ValueError(f"{count} GPUs are asked for and {len(pool)} are there ({', '.join(pool)}); lower `gpu`")
    folder, deadline = lock_folder(environment), time.monotonic() + patience
    while not (taken := take(pool, count, folder)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no GPU of {', '.join(pool)} is free after {patience:.0f} s; see who holds {folder}")
        LOG.info("waiting for %d of the GPUs %s", count, ", ".join(pool))
        time.sleep(POLL * (1 + random.random()))  # not a result: two waiting jobs should not look at once
    return taken


def pool_of(environment: Mapping[str, str]) -> list[str]:
    """The devices that jobs of this host may take: numbers, UUIDs or MIG names."""
    for name in NAMED_BY:
        if name in environment:
            return [device.strip() for device in environment[name].split(",") if device.strip() not in NONE]
    # Jobs of one node may each see their own GPU as number 0, or all see all: UUIDs are right in both cases.
    return asked_of_driver("uuid") if "SLURM_JOB_ID" in environment else listed_by_driver()


def listed_by_driver() -> list[str]:
    """Numbers of the devices that nvidia-smi lists; none where it is missing."""
    return asked_of_driver("index")


def asked_of_driver(field: str, *, patience: float = 60) -> list[str]:
    """What nvidia-smi says of each device; nothing where it is missing, fails, or is silent for `patience` seconds."""
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=patience,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines()] if done.returncode == 0 else []


def lock_folder(environment: Mapping[str, str]) -> Path:
    """Where locks lie: one folder a host, or a SLURM job with named devices: each may call its own 0."""
    job = environment.get("SLURM_JOB_ID") if any(name in environment for name in NAMED_BY) else None
    root = Path(environment.get("SGID_LOCKS", tempfile.gettempdir()))
    folder = root / (f"sgid-gpus-slurm-{job}" if job else "sgid-gpus")
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid == os.getuid():
        folder.chmod(0o1777)  # other users' jobs share the pool
    return folder


def take(pool: Sequence[str], count: int, folder: Path) -> list[str]:
    """Lock `count` devices of the pool, in random order so that none is preferred; none if so many are not free."""
    locked: dict[str, int] = {}
    for device in random.sample(pool, len(pool)):
        descriptor = open_lock(folder / f"gpu-{device.replace('/', '_')}")
        if not lock_if_free(descriptor):
            os.close(descriptor)
            continue
        locked[device] = descriptor
        if len(locked) == count:
            _held.extend(locked.values())
            return sorted(locked)
    for descriptor in locked.values():
        os.close(descriptor)
    return []


def place(environment: Mapping[str, str]) -> str:
    """Where a job runs: host, or node and SLURM job; and the GPUs that were named to it, if any were."""
    number, named = environment.get("SLURM_JOB_ID"), next((name for name in NAMED_BY if name in environment), None)
    host = environment.get("SLURMD_NODENAME") or platform.node()
    job = f", SLURM job {number}" if number else ""
    return host + job + (f", GPU {environment[named] or 'none'}" if named else "")


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, made where it is missing; read-only, for another user's cannot be opened else."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o644))
    return os.open(path, os.O_RDONLY)


def unseen(devices: Sequence[str], torch_version: str, cuda: str | None) -> str:
    """One sentence for GPUs that are there and that PyTorch cannot use; `cuda`: what it is built for, None without."""
    built, driver = (f"built for CUDA {cuda}", f"one for CUDA {cuda} or later") if cuda else ("built without CUDA", "")
    update = f"update the NVIDIA driver to {driver}, or " if driver else ""
    return (
        f"GPU {', '.join(devices)} is there, and PyTorch {torch_version} ({built}) cannot use it: {update}install the "
        "build of PyTorch that fits the driver into this environment (pytorch.org, Get Started, says how), or set "
        "SGID_DEVICE=cpu to run on the CPU on purpose"
    )
