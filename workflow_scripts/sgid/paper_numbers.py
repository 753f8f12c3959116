"""The published numbers (config/paper/*.csv) in the same words as our results: rows, variants and data set ids."""

from pathlib import Path

import pandas as pd

from sgid.results_table import AVERAGE

ROWS = {
    "prompt": {"none": "sgid_no_prompt", "caption": "sgid_caption", "label": "sgid_label", "complete": "sgid"},
    "caption_strategy": {"beam": "sgid_beam", "nucleus": "sgid", "clip_filter": "sgid_filter"},
}
VARIANTS = {1: "PW", 0: "w/o PW"}
COLUMNS = ["backbone", "row", "variant", "dataset", "accuracy", "significant", "printed"]


def read_paper_numbers(paths: list[str | Path], *, datasets: dict[str, str]) -> pd.DataFrame:
    """Published accuracies (percent) of the data sets in `datasets` (id -> the paper's name), and their average.

    The average is the mean of just these data sets: for the whole of Table 1 that is what the paper prints, to two
    decimals; for a part of it the printed average would not be comparable. `printed`: the paper has that number, or has
    an average there. No path gives no rows.
    """
    frames = [in_our_words(pd.read_csv(path), datasets=datasets) for path in paths]
    return pd.DataFrame([row for frame in frames for row in frame.to_dict("records")], columns=COLUMNS)


def in_our_words(paper: pd.DataFrame, *, datasets: dict[str, str]) -> pd.DataFrame:
    """Translate one published table; a data set that is not in `datasets` is left out."""
    ids = {name: key for key, name in datasets.items()} | {"Avg": AVERAGE}
    kept = paper[paper["dataset"].isin(ids)]
    translated = pd.DataFrame(
        {
            "backbone": kept["backbone"],
            "row": _rows(kept),
            "variant": kept["prompt_weighting"].map(VARIANTS) if "prompt_weighting" in kept else "",
            "dataset": kept["dataset"].map(ids),
            "accuracy": kept["accuracy"].astype(float),
            "significant": kept["significant"].astype(bool) if "significant" in kept else False,
            "printed": True,
        }
    )
    return _with_mean(translated, count=len(datasets))


def _rows(paper: pd.DataFrame) -> pd.Series:
    for column, names in ROWS.items():
        if column in paper:
            return paper[column].map(names)
    return paper["method"]


def _with_mean(frame: pd.DataFrame, *, count: int) -> pd.DataFrame:
    """Replace the printed averages by the mean of the `count` data sets; the star of a printed average is kept."""
    printed = frame[frame["dataset"] == AVERAGE]
    single = frame[frame["dataset"] != AVERAGE]
    if count < 2:
        return single
    starred = set(printed.loc[printed["significant"], ["backbone", "row"]].itertuples(index=False, name=None))
    means = [
        {"backbone": backbone, "row": row, "variant": variant, "dataset": AVERAGE, "accuracy": part["accuracy"].mean()}
        | {"significant": (backbone, row) in starred, "printed": len(printed) > 0}
        for (backbone, row, variant), part in single.groupby(["backbone", "row", "variant"], sort=False)
        if len(part) == count
    ]
    return pd.DataFrame([*single.to_dict("records"), *means], columns=COLUMNS)
