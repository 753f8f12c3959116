"""Files that are taken where they are there, and never made for the asking (standard library only)."""

from collections.abc import Iterable
from pathlib import Path


def since(paths: Iterable[str]) -> dict[str, int]:
    """Those that are there, and since when (ns): a param by which its output is made anew for one more, or a newer."""
    return {str(path): path.stat().st_mtime_ns for path in map(Path, paths) if path.exists()}
