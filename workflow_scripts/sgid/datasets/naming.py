"""The classes of a data set: official names, the names that prompts show, and what prompts will then look like."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sgid.datasets.listing import SPLITS
from sgid.prompts import label_text, readable
from sgid.refusals import require


def listed_names(files: Sequence[str | Path]) -> list[str]:
    """The official class names in a text file, one a line in the order of the labels; none without a file."""
    return [name for path in files for name in Path(path).read_text(encoding="utf-8").strip("\n").splitlines()]


def class_table(names: Sequence[str], prompt_names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Columns label (from 0), name (official), prompt_name: as `prompt_names` says, or the readable official name.

    Raises ValueError for a class that would have no name in a prompt.
    """
    given = {str(name): shown for name, shown in (prompt_names or {}).items()}  # YAML reads a name 0 as a number
    shown = [given.get(name) or readable(name) for name in names]
    if not all(shown):
        raise ValueError(f"class {names[shown.index('')]!r} has no readable name; give it one under `prompt_names`")
    return pd.DataFrame({"label": range(len(names)), "name": list(names), "prompt_name": shown})


def check_prompt_names(dataset: str, entry: Mapping, names: Sequence[str]) -> None:
    """Refuse a prompt name of a class that a folder of one's own does not have, by ConfigError.

    entry: of the data set in the configuration. The registry's other sets may name classes that their split leaves out.
    """
    if entry["source"] == "folder":
        require(f"datasets.{dataset}.prompt_names", map(str, entry.get("prompt_names", {})), names)


def preview(
    dataset: str, classes: pd.DataFrame, *, index: pd.DataFrame, left_out: int, prompt_names: Mapping[str, str]
) -> str:
    """Markdown: images of each class by split, label text of its prompts (paper, equation 1), and what looks odd.

    left_out: how many files stand in left_out.csv.
    """
    counts = Counter(zip(index["split"], index["label"], strict=True))
    held_out = set(index[index["split"] == "validation"]["image_id"]) <= set(
        index[index["split"] == "train"]["image_id"]
    )
    notes = {"validation": " (of train, held out)" if held_out else ""}
    sizes = [f"{split}: {(index['split'] == split).sum():,} images{notes.get(split, '')}  " for split in SPLITS]
    lines = [
        f"# {dataset}: {len(classes)} classes",
        "",
        *sizes,
        "",
        *oddities(classes, counts, prompt_names),
        *without(left_out),
    ]
    lines += [
        "| label | class | train | validation | test | label text of its prompts |",
        "|---:|---|---:|---:|---:|---|",
    ]
    for row in classes.itertuples():
        numbers = " | ".join(str(counts[split, row.label]) for split in SPLITS)
        name, text = (str(cell).replace("|", "\\|") for cell in (row.name, label_text(row.prompt_name)))
        lines.append(f"| {row.label} | {name} | {numbers} | {text} |")
    return "\n".join(lines) + "\n"


def without(left_out: int) -> list[str]:
    """Lines that lead to what is in no table; none where everything is."""
    said = f"{left_out:,} files were left out" if left_out > 1 else "1 file was left out"
    return [f"**{said}: left_out.csv, beside this file, says which and why.**", ""] if left_out else []


def oddities(
    classes: pd.DataFrame, counts: Mapping[tuple[str, int], int], prompt_names: Mapping[str, str]
) -> list[str]:
    """Lines for what a reader should look at before anything is drawn: each with the classes that it concerns."""
    rows = list(classes.itertuples())
    found = {
        "Classes with equal names in prompts": classes[classes["prompt_name"].duplicated(keep=False)]["name"].tolist(),
        "Classes that are tested and have no train image": [
            row.name for row in rows if counts["test", row.label] and not counts["train", row.label]
        ],
        **{
            f"Classes that are trained and have no {split} image": [
                row.name for row in rows if counts["train", row.label] and not counts[split, row.label]
            ]
            for split in ("validation", "test")
            if any(counts[split, row.label] for row in rows)
        },
        "Classes without any image": [
            row.name for row in rows if not sum(counts[split, row.label] for split in SPLITS)
        ],
        "`prompt_names` of no class here": sorted(set(map(str, prompt_names)) - set(classes["name"])),
    }
    return [line for what, names in found.items() if names for line in (f"**{what}: {', '.join(names)}.**", "")]
