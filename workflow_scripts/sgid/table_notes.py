"""What a reader must know to trust a table: how its numbers came about, the test behind the stars, and their origin."""

import pandas as pd

from sgid.results_table import AVERAGE, RUN
from sgid.significance import ALPHA

MINIATURE = (
    "These numbers come from a drawn data set and tiny models. They show that the whole pipeline runs; they are no "
    "reproduction of the paper, and the paper's numbers are not put beside them."
)
MARKS = (
    "Bold: best, underlined: second best of its group, from the numbers as printed; equal numbers share a mark, and a "
    "group with one number has none."
)
PUBLISHED = (
    "The paper's own numbers, typed from its PDF. Marks are derived from the numbers, not copied.",
    "Avg. is the mean of the data sets shown; where the paper prints an average, it is the same to two decimals.",
)


def notes_of(runs: pd.DataFrame, tests: pd.DataFrame, *, star: dict | None, titles: dict) -> list[str]:
    """The footer of a table of ours, one sentence group a line; a function of the inputs, so it carries no date."""
    return [
        *([MINIATURE] if runs["miniature"].any() else []),
        _numbers(runs, titles=titles),
        MARKS,
        *(_star(tests, star=star, titles=titles) if star else []),
        *_origin(runs),
    ]


def published_notes(cells: pd.DataFrame, *, titles: dict) -> list[str]:
    """The footer of a table that repeats the paper's numbers."""
    starred = ["* SGID beats the best baseline with p < 0.05, as the paper states it."] if cells["star"].any() else []
    return [_backbones(cells, titles=titles) + PUBLISHED[0], PUBLISHED[1], MARKS, *starred]


def _numbers(runs: pd.DataFrame, *, titles: dict) -> str:
    seeds = sorted(runs["seed"].unique())
    spread = (
        f"mean ± sample standard deviation over seeds {_enumerate(seeds)}" if len(seeds) > 1 else f"seed {seeds[0]}"
    )
    text = f"{_backbones(runs, titles=titles)}Test accuracy in percent after the last epoch, {spread}."
    if runs["status"].eq("done").all():
        return text
    return f"{text} (k/n): k of n planned runs are done; –: none is."


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
    short = [f"{_short(commit)} ({count} runs)" for commit, count in counts.items()]
    dirty = int(counts[counts.index.str.endswith("-dirty")].sum())
    mixed = len(counts) > 1
    return [
        f"Commit: {', '.join(short) if mixed else _short(counts.index[0])}.",
        *([f"Warning: these runs come from {len(counts)} states of the code; rerun the older ones."] if mixed else []),
        *([f"Warning: {dirty} runs were made with uncommitted changes in the tree."] if dirty else []),
    ]


def _short(commit: str) -> str:
    digest, _, suffix = commit.partition("-")
    return digest[:10] + (" with uncommitted changes" if suffix else "")


def _enumerate(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
