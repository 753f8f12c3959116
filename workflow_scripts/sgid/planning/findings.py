"""One thing that a preflight found (standard library only)."""

from dataclasses import dataclass

STOPS, NOTE, FINE = "STOPS", "note", "ok"


@dataclass(frozen=True)
class Finding:
    """A line. level: STOPS where the build cannot run as it stands; missing: something is still to be fetched.

    silent: the host that does not answer, where this is all that is in the way of `name` ("model t5").
    """

    level: str
    said: str
    step: str = ""
    missing: bool = False
    silent: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.level:5}  {self.said}{': ' if self.step else ''}{self.step}"
