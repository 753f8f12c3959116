"""How bad configuration is refused: one sentence that starts with the path of the key (standard library only)."""

import difflib
from collections.abc import Iterable, Mapping


class ConfigError(ValueError):
    """The configuration cannot be built; the message is one sentence that starts with the key's path."""


def require(path: str, names: Iterable[str], known: Mapping | Iterable[str]) -> None:
    """Every name must be known; the refusal lists what there is, nearest first."""
    known = list(known)
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise ConfigError(f"{path}: {name!r} is not defined ({hint}have: {', '.join(known)})")
