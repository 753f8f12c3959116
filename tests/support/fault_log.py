"""docs/faults/slurm.md: sentences by hand, then a line a fault, each of the last run of its own."""

from collections.abc import Sequence


def sentence_of(test: str) -> str:
    """What a test's name says."""
    return test.removeprefix("test_").replace("_", " ")


def with_line(text: str, test: str, cells: Sequence[str]) -> str:
    """The log with a fault's new line in the place of its old one, or as the last; all else stays as it is."""
    begin = f"| {sentence_of(test)} |"
    line = f"{begin} {' | '.join(cells)} |"
    lines = text.splitlines()
    found = [number for number, each in enumerate(lines) if each.startswith(begin)]
    lines[slice(found[0], found[0] + 1) if found else slice(len(lines), None)] = [line]
    return "\n".join(lines) + "\n"
