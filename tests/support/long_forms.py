"""The long form of one table from accuracies by row and seed."""

import pandas as pd

from sgid.results_table import long_form

ORIGIN = {"provenance": {"commit": "a", "dirty": False}, "miniature": False, "seconds": 1, "noise_rate": None}


def table_of(**rows: dict[int, float] | list[float]) -> pd.DataFrame:
    """Long form of one data set; each row of the table is a list of accuracies by seed, or a mapping from seed."""
    return table_of_many(pets=rows)


def table_of_many(**datasets: dict) -> pd.DataFrame:
    runs, cells, seeds = [], [], set()
    for dataset, rows in datasets.items():
        for row, values in rows.items():
            names = {"backbone": "vit", "dataset": dataset, "method": row}
            cells.append({**names, "group": "single", "row": row, "variant": ""})
            by_seed = values if isinstance(values, dict) else dict(enumerate(values))
            runs += [{**names, "seed": seed, "accuracy": accuracy} | ORIGIN for seed, accuracy in by_seed.items()]
            seeds |= set(by_seed)
    return long_form(runs, cells, table="table1", seeds=sorted(seeds))
