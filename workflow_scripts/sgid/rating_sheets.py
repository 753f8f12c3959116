"""The sheet that an annotation page saves: CSV, one rated item a line (standard library only).

The format is stable: UTF-8, first line `page,annotator,item,consistency,diversity,seconds,simulated`. `page` is the
hash of the page's pictures and their order; scores are 1 to 5; `seconds` is how long the item was before the
annotator's eyes; `simulated` is `yes` in sheets that chance has filled in, `no` in all others.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ["page", "annotator", "item", "consistency", "diversity", "seconds", "simulated"]
HEAD = ",".join(COLUMNS)
SCORES = range(1, 6)
WORDS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Rating:
    """The scores of one item, 1 to 5, and the seconds that they took."""

    item: str
    consistency: int
    diversity: int
    seconds: float


@dataclass(frozen=True)
class Sheet:
    """All that one annotator said on one page."""

    path: str
    page: str
    annotator: str
    simulated: bool
    ratings: tuple[Rating, ...]


def read_sheets(paths: Iterable[str | Path], keys: Sequence[Mapping]) -> list[Sheet]:
    """The sheets, each whole and of a page of `keys`; raises ValueError, in one sentence that names the file.

    Refused: what is no sheet, has scores other than 1 to 5, comes from another page, lacks ratings, is there twice,
    or is simulated while others are not.
    """
    sheets = [read_sheet(path) for path in paths]
    by_page = {page: key for key in keys for page in key["pages"]}
    for sheet in sheets:
        check_items(sheet, by_page)
    check_once(sheets, by_page)
    check_not_mixed(sheets)
    return sheets


def read_sheet(path: str | Path) -> Sheet:
    """One sheet, by itself."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            head, *rows = [row for row in csv.reader(stream, strict=True) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: cannot be read as CSV in UTF-8 ({error}); save the sheet again") from error
    if head != COLUMNS or not rows:
        raise ValueError(f"{path}: no sheet of ratings below the line {HEAD!r}; put the file there that a page saves")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS) or not all(map(str.strip, row)):
            raise ValueError(f"{path}: row {number} is not {HEAD!r}, all filled in; save the sheet again")
    page, annotator, simulated = (_one(path, rows, name) for name in ("page", "annotator", "simulated"))
    if simulated not in WORDS:
        raise ValueError(f"{path}: `simulated` is {simulated!r}, not yes or no; save the sheet again")
    ratings = tuple(_rating(path, number, row) for number, row in enumerate(rows, start=2))
    return Sheet(str(path), page, annotator, WORDS[simulated], ratings)


def _one(path: str | Path, rows: list[list[str]], name: str) -> str:
    found = sorted({row[COLUMNS.index(name)].strip() for row in rows})
    if len(found) > 1:
        raise ValueError(
            f"{path}: holds more than one {name} ({', '.join(found)}); put each sheet in a file of its own"
        )
    return found[0]


def _rating(path: str | Path, number: int, row: list[str]) -> Rating:
    of = dict(zip(COLUMNS, row, strict=True))
    scores = [of[name].strip() for name in ("consistency", "diversity")]
    if any(score not in map(str, SCORES) for score in scores):
        raise ValueError(
            f"{path}: row {number} has the scores {' and '.join(scores)}, which must be 1, 2, 3, 4 or 5; correct them "
            "with the annotator"
        )
    try:
        seconds = float(of["seconds"])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{path}: row {number} took {of['seconds']!r} seconds, which is no time; save the sheet again")
    return Rating(of["item"].strip(), *map(int, scores), seconds)


def check_items(sheet: Sheet, by_page: Mapping[str, Mapping]) -> None:
    """Refuse a sheet of another page, and one that has not exactly the items of its own. `by_page`: hash to key."""
    if sheet.page not in by_page:
        raise ValueError(
            f"{sheet.path}: rated on page {sheet.page}, which this kit does not have (other pictures, another "
            "evaluation); take it out, or go back to the pictures that were rated"
        )
    counts, planned = Counter(rating.item for rating in sheet.ratings), by_page[sheet.page]["items"]
    if strange := next((item for item in counts if item not in planned), None):
        raise ValueError(f"{sheet.path}: item {strange!r} is not on its page; save the sheet again")
    if twice := next((item for item, count in counts.items() if count > 1), None):
        raise ValueError(f"{sheet.path}: item {twice!r} is rated twice; save the sheet again")
    if missing := len(planned) - len(counts):
        raise ValueError(
            f"{sheet.path}: {missing} of {len(planned)} items have no rating; let {sheet.annotator} load the sheet "
            "into the page, rate the rest and save it again"
        )


def check_once(sheets: Sequence[Sheet], by_page: Mapping[str, Mapping]) -> None:
    """Refuse a page that was handed in twice, and an annotator who rated one data set twice."""
    pages: dict[str, Sheet] = {}
    names: dict[tuple[str, str], Sheet] = {}
    for sheet in sheets:
        dataset = by_page[sheet.page]["dataset"]
        first = pages.setdefault(sheet.page, sheet)
        if first is not sheet:
            raise ValueError(f"{sheet.path}: the same page as {first.path}; keep one sheet for each page")
        first = names.setdefault((sheet.annotator.casefold(), dataset), sheet)
        if first is not sheet:
            raise ValueError(
                f"{sheet.path}: {sheet.annotator} has rated {dataset} in {first.path} already; keep one of the two, or "
                "correct the name"
            )


def check_not_mixed(sheets: Sequence[Sheet]) -> None:
    """Refuse simulated ratings among those of people."""
    simulated, real = ([sheet.path for sheet in sheets if sheet.simulated is kind] for kind in (True, False))
    if simulated and real:
        raise ValueError(f"{simulated[0]}: simulated, while {real[0]} is not; take the simulated sheets out")


def sheet_text(sheet: Sheet) -> str:
    """A sheet as the page saves it."""
    word = next(word for word, value in WORDS.items() if value is sheet.simulated)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rating in sheet.ratings:
        scores = (rating.consistency, rating.diversity, f"{rating.seconds:.1f}")
        writer.writerow([sheet.page, sheet.annotator, rating.item, *scores, word])
    return stream.getvalue()
