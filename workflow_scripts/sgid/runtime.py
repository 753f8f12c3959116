"""What every job needs around its work: a log, whole files, a device, and a record of its origin."""

import contextlib
import errno
import glob
import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from sgid.lease import lease_devices, place, unseen

INTERRUPTED = 128 + signal.SIGINT  # the status by which a shell knows of Ctrl-C
FULL = (errno.ENOSPC, errno.EDQUOT)
Item, Result = TypeVar("Item"), TypeVar("Result")
RECORDED_PACKAGES = ("torch", "torchvision", "diffusers", "transformers", "open_clip_torch", "timm", "numpy", "pillow")


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Send this job's log, warnings, output and any error to `path`; the error's sentence also goes to the terminal."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        open(path, "w", buffering=1, encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        logging.captureWarnings(True)
        quieten_libraries()
        logging.getLogger("sgid").info("on %s", place(os.environ))
        try:
            yield logging.getLogger("sgid")
        except Exception as error:
            traceback.print_exc(file=stream)
            print(f"{type(error).__name__}: {error} (whole log: {path})", file=sys.__stderr__)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            traceback.print_exc(file=stream)
            print(f"interrupted (whole log: {path})", file=sys.__stderr__)
            raise SystemExit(INTERRUPTED) from None


def quieten_libraries() -> None:
    """Progress bars make logs unreadable; the libraries read no variable that is set after their import."""
    for name in ("transformers.utils.logging", "diffusers.utils.logging"):
        if name in sys.modules:
            sys.modules[name].disable_progress_bar()
    for name in ("httpx", "httpx2", "PIL", "fontTools", "matplotlib"):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends well, and vanishes when it does not.

    What killed processes of this machine left of it is removed first. Raises OSError that says where the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = f".{path.name}.{platform.node()}."
    remove_left_over(path.parent, mine)
    temporary = path.with_name(f"{mine}{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in FULL:
            advice = "make room and run this again; what is finished stays"
            raise OSError(error.errno, f"no space left in {path.parent} for {path.name}; {advice}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_left_over(folder: Path, prefix: str) -> None:
    """Delete temporary files with this prefix whose process lives no longer."""
    for path in folder.glob(f"{glob.escape(prefix)}*.part"):
        number = path.name.removeprefix(prefix).removesuffix(".part")
        if number.isdecimal() and not is_running(int(number)):
            path.unlink(missing_ok=True)


def is_running(number: int) -> bool:
    """Whether a process of this machine has the number."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def file_hash(path: str | Path, algorithm: str = "sha256") -> str:
    """Hexadecimal hash of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def write_whole(stream: BinaryIO, data: bytes) -> None:
    """Write all of the bytes to an unbuffered file, which may take less of them at once."""
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


def write_json(value: Any, path: str | Path) -> None:
    """Sorted keys and a final newline, so that equal values are equal bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """What a JSON file holds; raises ValueError that names the file where it is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON ({error}); delete it and run its rule again") from error


def write_text(text: str, path: str | Path) -> None:
    """UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def choose_device() -> str:
    """`cuda` where a GPU can be had, which is then this job's alone; else `cpu`, with as many threads as the job has.

    SGID_DEVICE overrides, and leases nothing. Raises RuntimeError where there is a GPU that PyTorch cannot use.
    """
    asked = os.environ.get("SGID_DEVICE", "")
    devices = [] if asked else lease_devices()
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(devices)  # before CUDA looks for devices
    import torch  # here, not above: the rules of tables and figures run where torch is not installed

    # Snakemake sets this variable to the threads of the rule.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if asked:
        return asked
    if torch.cuda.is_available():
        return "cuda"
    if devices:
        raise RuntimeError(unseen(devices, torch.__version__, torch.version.cuda))
    return "cpu"


def one_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work(item)` of each item in order; a thread works on the next one while the caller uses the present one."""
    with ThreadPoolExecutor(1) as pool:
        coming: deque[Future] = deque()
        for item in items:
            coming.append(pool.submit(work, item))
            if len(coming) > 1:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def fast_dtype(device: str) -> Any:
    """bfloat16 on a GPU that multiplies it, float32 elsewhere: the precision of captions, their scores and training."""
    import torch

    # Older GPUs emulate bfloat16, which is slower than float32.
    fast = device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if fast else torch.float32


def provenance(device: str = "cpu") -> dict:
    """Commit, whether the tree had uncommitted changes, versions and device: what a result must carry."""
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
        "device": device_name(device),
    }


def device_name(device: str) -> str:
    """The GPU's product name, or `cpu` with its architecture: pictures may differ between kinds of device."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()})"


def device_memory(device: str) -> int | None:
    """Bytes of a GPU's memory, None for a CPU."""
    import torch

    return torch.cuda.get_device_properties(device).total_memory if device.startswith("cuda") else None


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
