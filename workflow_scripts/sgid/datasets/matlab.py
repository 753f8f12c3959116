"""MATLAB files of annotations."""

import io
from pathlib import Path
from typing import Any

from scipy.io import loadmat
from scipy.io.matlab import MatReadError


def read_mat(source: Path | bytes, *, name: str | None = None) -> dict[str, Any]:
    """The variables of a .mat file, arrays squeezed; raises ValueError that names a file which is none."""
    try:
        return loadmat(io.BytesIO(source) if isinstance(source, bytes) else source, squeeze_me=True)
    except (MatReadError, ValueError, TypeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"{name or source}: is no readable MATLAB file ({error}); fetch it again") from error
