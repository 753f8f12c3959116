"""The list of rejected pictures that a page saves: CSV, one generated picture a line (standard library only).

The format is stable: UTF-8, first line `image_id,source_id,reason`, fields quoted as spreadsheets do it. `image_id` is
the generated picture's and alone decides; `source_id` is what it was drawn from; `reason` is anyone's words, or empty.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

COLUMNS = ["image_id", "source_id", "reason"]
HEAD = ",".join(COLUMNS)


def read_rejects(path: str | Path) -> set[str]:
    """The ids of the rejected pictures; refuses what `read_reasons` refuses."""
    return set(read_reasons(path))


def read_reasons(path: str | Path) -> dict[str, str]:
    """Id to reason of the rejected pictures; raises ValueError, in one sentence, for a file that is no such list."""
    return {image_id: reason for image_id, _, reason in read_lines(path)}


def reasons_by_source(path: str | Path) -> dict[str, list[str]]:
    """Original to the reasons for which its pictures are rejected, each once; refuses what `read_reasons` refuses."""
    found: dict[str, list[str]] = {}
    for _, source, reason in read_lines(path):
        if reason not in found.setdefault(source, []):
            found[source].append(reason)
    return found


def read_lines(path: str | Path) -> list[list[str]]:
    """The fields (COLUMNS) of every line; refuses what `read_reasons` refuses."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream, strict=True))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file; save a reject list from a page of pictures") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: cannot be read as CSV in UTF-8 ({error}); save the reject list again") from error
    if not rows or rows[0] != COLUMNS:
        raise ValueError(
            f"{path}: no reject list, for its first line is not {HEAD!r}; save one from a page of pictures"
        )
    return [_rejected(row, number, path) for number, row in enumerate(rows[1:], start=2) if row]


def reject_list(rows: Iterable[Mapping[str, str]]) -> str:
    """The list of these rows, which may have more columns, in the order of their ids."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["image_id"]))
    return stream.getvalue()


def _rejected(row: list[str], number: int, path: str | Path) -> list[str]:
    if len(row) != len(COLUMNS) or not row[0].strip() or row == COLUMNS:
        raise ValueError(f"{path}: row {number} is no {HEAD!r} with an image_id; correct or remove it")
    return row
