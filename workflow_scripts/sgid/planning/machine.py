"""What this machine has and can reach, asked with patience of seconds: a preflight must not hang."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

TORCH = "import json, torch; print(json.dumps([torch.cuda.is_available(), torch.__version__, torch.version.cuda]))"
PATIENCE = 5.0  # seconds for one answer of a host
TORCH_PATIENCE = 120.0  # seconds for the import and the driver


def torch_sees(pool: Sequence[str], *, patience: float = TORCH_PATIENCE) -> tuple[bool, str, str | None]:
    """Whether PyTorch can use the devices of a pool, its version, and the CUDA it is built for.

    In a process of its own, which is ended if it does not answer. Raises TimeoutError, or RuntimeError with its words.
    """
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ",".join(pool)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", TORCH], capture_output=True, text=True, env=environment, timeout=patience, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"PyTorch says nothing of the GPUs within {patience:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"PyTorch does not start ({error.stderr.strip().splitlines()[-1]})") from error
    sees, version, cuda = json.loads(done.stdout.splitlines()[-1])
    return sees, version, cuda


def status_of(url: str, *, headers: Mapping[str, str] | None = None, head: bool = False) -> tuple[int | None, bytes]:
    """Status and body (at most 1 MB) of an address; None where nothing answers within some seconds."""
    request = urllib.request.Request(url, headers=dict(headers or {}), method="HEAD" if head else "GET")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return getattr(answer, "status", None) or 200, answer.read(1 << 20)
    except urllib.error.HTTPError as error:
        return error.code, b""
    except (OSError, ValueError):
        return None, b""


def room(folder: Path) -> tuple[int, int, int]:
    """Device number, free bytes and free files where a folder lies or will lie; -1 files where they are not counted."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    disk = os.statvfs(there)
    return there.stat().st_dev, shutil.disk_usage(there).free, disk.f_favail if disk.f_files else -1


def refuses_writing(folder: Path) -> str:
    """Why nothing can be written into a folder, made where it is missing; empty where it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)
