"""MATLAB files of annotations: their variables, the fields of a structure, and numbers that are held to a range."""

import io
from collections.abc import Iterable
from numbers import Real
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from sgid.datasets.archives import present, said


def read_mat(source: Path | bytes, *variables: str, called: str | None = None) -> dict[str, np.ndarray]:
    """Variables of a .mat file by name, each as an array without dimensions of length 1, or of length 1 as a whole.

    `called`: the file's name where `source` is its bytes. Raises ValueError that names a file which is no MATLAB file
    or lacks one of the variables.
    """
    file = called or source
    data = source if isinstance(source, bytes) else present(source).read_bytes()
    try:
        found = loadmat(io.BytesIO(data), squeeze_me=True, variable_names=variables)
    except Exception as error:  # SciPy lets through whatever it stumbles over in damaged bytes, of a dozen kinds
        raise ValueError(f"{file}: is no readable MATLAB file ({said(error)}); fetch it again") from error
    require(variables, found, what="variable", file=file)
    return {name: np.atleast_1d(found[name]) for name in variables}


def fields_of(rows: np.ndarray, *fields: str, file: str | Path) -> list[np.ndarray]:
    """The fields of a structure array, one array a field; raises ValueError where one is missing."""
    require(fields, rows.dtype.names or (), what="field", file=file)
    return [rows[field] for field in fields]


def require(names: Iterable[str], found: Iterable[str], *, what: str, file: str | Path) -> None:
    """Refuse a file that lacks one of the names."""
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{file}: has no {what} {', '.join(missing)}; compare it with the file of the official source")


def numbers_in(allowed: range, numbers: Iterable, *, what: str, file: str | Path) -> list[int]:
    """The numbers as int; raises ValueError for one that does not lie in `allowed`."""
    numbers = list(numbers)
    for number in numbers:
        if not isinstance(number, Real) or not float(number).is_integer() or int(number) not in allowed:
            raise ValueError(
                f"{file}: {what} {number} is none of {allowed.start} to {allowed.stop - 1}; compare the file with the "
                "configuration of this data set"
            )
    return [int(number) for number in numbers]
