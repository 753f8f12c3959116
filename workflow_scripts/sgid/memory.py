"""Whether something fits the memory, asked before it is too late, and one sentence where it did not."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from sgid.host_memory import available_memory

LOG = logging.getLogger("sgid.memory")
SHARE_OF_DEVICE = 0.6  # of a GPU's free memory that pictures may take; the rest is the network's
HOST_FULL = "can't allocate memory"  # how torch's allocator on the CPU says it, in a plain RuntimeError


class TooManyPicturesError(MemoryError):
    """Decoded pictures would not fit; says so in a sentence of its own."""


def require_memory(count: int, side: int) -> None:
    """Raise TooManyPicturesError unless `count` decoded pictures of `side` pixels a side fit what is available."""
    wanted, available = count * side * side * 3, available_memory()
    if wanted > available:
        raise TooManyPicturesError(
            f"{count} pictures of {side} pixels a side take {gigabytes(wanted)} and {gigabytes(available)} are free; "
            "lower the backbone's view.resize or take a larger machine"
        )


def placed(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device where it leaves room enough for a network, else where it was."""
    if device.type != "cuda":
        return tensor.to(device)
    free = torch.cuda.mem_get_info(device)[0]
    if tensor.nbytes <= SHARE_OF_DEVICE * free:
        return tensor.to(device)
    LOG.info("%s of pictures stay on the host: the GPU has %s free", gigabytes(tensor.nbytes), gigabytes(free))
    return tensor


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """A batch on the device; from the host through pinned memory, so that the copy waits for nothing."""
    if tensor.device.type == device.type:
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


@contextmanager
def memory_in_one_sentence(batch_size: int, side: int) -> Iterator[None]:
    """Say what to change where a batch of `batch_size` pictures of `side` pixels a side did not fit the memory."""
    try:
        yield
    except TooManyPicturesError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and HOST_FULL not in str(error):
            raise
        raise MemoryError(
            f"training in batches of {batch_size} pictures of {side} pixels a side does not fit the memory "
            f"({numbers_of(error)}); lower the backbone's batch_size or view.resize, or take a larger machine"
        ) from error


def numbers_of(error: BaseException) -> str:
    """What an allocator says of sizes: how much it wanted and, on a GPU, how much there is; not its advice."""
    said = [part.strip(". ") for part in str(error).split(". ") if "allocate" in part or "capacity" in part]
    return "; ".join(said[:2]) or type(error).__name__


def gigabytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e9:.1f} GB"
