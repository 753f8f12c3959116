"""What a reader must know to trust a table: how its numbers came about, the test behind the stars, and their origin."""

import re

import pandas as pd

from sgid.paired_tests import ALPHA
from sgid.results_table import AVERAGE, RUN, short_commit

MINIATURE = (
    "These numbers come from a drawn data set or tiny models. They show that the whole pipeline runs; they are no "
    "reproduction of the paper, and the paper's numbers are not put beside them. Each of them carries an m."
)
MARKS = (
    "Bold: best, underlined: second best of its group, from the numbers as printed; equal numbers share a mark, and a "
    "group with one number has none."
)
PUBLISHED = (
    "The paper's own numbers, typed from its PDF. Marks are derived from the numbers, not copied.",
    "Avg. is the mean of the data sets shown; of all seven, it is what the paper prints, to two decimals.",
)
UNFINISHED = (
    "(k/n): k of n planned runs are done; –: none is. Where a run of the competing cells is missing, nothing is marked "
    "as best, second best or significant. A seed that misses a data set has no average."
)
# Footnote 6 of the paper, and what its tables leave to their captions.
ABBREVIATIONS = {
    "RE": "Random Erasing", "RA": "RandAugment", "DC": "SGID with diverse captions", "IP": "SGID with InstructPix2Pix",
    "C-100": "CIFAR-100", "C-10": "CIFAR-10", "Cal101": "Caltech101", "DTD": "Describable Textures",
    "PW": "prompt weighting",
}  # fmt: skip


def notes_of(runs: pd.DataFrame, tests: pd.DataFrame, *, star: dict | None, titles: dict) -> list[str]:
    """The footer of a table of ours, one sentence group a line; a function of the inputs, so it carries no date."""
    return [
        *([MINIATURE] if runs["miniature"].any() else []),
        _numbers(runs, titles=titles),
        *_missing(runs, titles=titles),
        MARKS,
        *abbreviations(runs, titles=titles),
        *(_star(tests, star=star, titles=titles) if star else []),
        *_origin(runs),
    ]


def published_notes(cells: pd.DataFrame, *, titles: dict) -> list[str]:
    """The footer of a table that repeats the paper's numbers."""
    rows = [titles["rows"][row].removeprefix("+ ") for row in cells.loc[cells["star"].astype(bool), "row"].unique()]
    starred = [f"* {', '.join(rows)} beats the best baseline with p < 0.05, as the paper states it."] if rows else []
    averages = [PUBLISHED[1]] if cells["dataset"].eq(AVERAGE).any() else []
    short = abbreviations(cells, titles=titles)
    return [_backbones(cells, titles=titles) + PUBLISHED[0], *averages, MARKS, *short, *starred]


def abbreviations(frame: pd.DataFrame, *, titles: dict) -> list[str]:
    """What the short names among the titles stand for, in one line, or none."""
    shown = [titles["rows"][row] for row in frame["row"].unique()]
    shown += [titles["datasets"].get(name, "") for name in frame["dataset"].unique()]
    words = set(re.split(r"[ ,&+]+", " ".join([*shown, *frame["variant"].unique()])))
    found = [f"{short}: {name}" for short, name in ABBREVIATIONS.items() if short in words]
    return [f"{'; '.join(found)}."] if found else []


def _numbers(runs: pd.DataFrame, *, titles: dict) -> str:
    seeds = sorted(runs["seed"].unique())
    spread = (
        f"mean ± sample standard deviation over seeds {_enumerate(seeds)}" if len(seeds) > 1 else f"seed {seeds[0]}"
    )
    several = runs["dataset"].nunique() > 1
    average = " Avg.: the mean of the data sets shown, of each seed; the paper's, of its numbers." if several else ""
    return f"{_backbones(runs, titles=titles)}Test accuracy in percent after the last epoch, {spread}.{average}"


def _missing(runs: pd.DataFrame, *, titles: dict) -> list[str]:
    """How many planned runs are missing, by backbone, and what follows for the table; none for a whole one."""
    unique = runs.drop_duplicates(RUN)
    missing = unique[unique["status"] != "done"]
    if missing.empty:
        return []
    counts = missing["backbone"].value_counts(sort=False)
    by_backbone = ", ".join(f"{titles['backbones'][name]} {count:,}" for name, count in counts.items())
    listed = f"Which: status not run in {runs['table'].iloc[0]}.runs.csv."
    return [f"Missing: {len(missing):,} of {len(unique):,} runs ({by_backbone}). {listed}", UNFINISHED]


def _backbones(frame: pd.DataFrame, *, titles: dict) -> str:
    """One backbone takes no column of the table, so it is named here."""
    names = frame["backbone"].unique()
    return f"{titles['backbones'][names[0]]}. " if len(names) == 1 else ""


def _star(tests: pd.DataFrame, *, star: dict, titles: dict) -> list[str]:
    names = {row: title.removeprefix("+ ") for row, title in titles["rows"].items()}
    ours, rivals = names[star["row"]], ", ".join(names[name] for name in star["against"])
    table = f" All p values: {tests['table'].iloc[0]}.tests.csv." if len(tests) else ""
    untested = tests.loc[tests["reason"] != "", "reason"].value_counts(sort=False)
    gaps = f" Not testable: {', '.join(f'{count} ({reason})' for reason, count in untested.items())}."
    return [
        f"* {ours} is better than the best of {rivals} in that column: two-sided paired t-test over common seeds, "
        f"p < {ALPHA}, unadjusted, positive mean difference. Starred: {int(tests['star'].sum())} of {len(tests)} "
        f"columns.{gaps if len(untested) else ''}{table}"
    ]


def _origin(runs: pd.DataFrame) -> list[str]:
    """Commits of the runs, and a warning where they come from more than one or from a tree with changes."""
    done = runs[(runs["status"] == "done") & (runs["dataset"] != AVERAGE)].drop_duplicates(RUN)
    counts = done["commit"].value_counts(sort=False).sort_index()
    if counts.empty:
        return ["No run is done yet."]
    short = [f"{short_commit(commit)} ({count} runs)" for commit, count in counts.items()]
    dirty = int(counts[counts.index.str.endswith("-dirty")].sum())
    mixed = len(counts) > 1
    return [
        f"Commit: {', '.join(short) if mixed else short_commit(counts.index[0])}.",
        *([f"Warning: these runs come from {len(counts)} states of the code; rerun the older ones."] if mixed else []),
        *([f"Warning: {dirty} runs were made with uncommitted changes in the tree."] if dirty else []),
    ]


def _enumerate(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
