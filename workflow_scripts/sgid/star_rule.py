"""How often the star appears where nothing is better than anything else: a simulation of the rule of Table 1.

All methods have the same true accuracy; the star is the workflow's: two-sided paired t-test, p < 0.05, a gain, against
the rival with the highest mean. The numbers stand in docs/statistics.md; `benchmarks/star_rule.py` makes them.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from textwrap import fill

import numpy as np
from scipy import stats

from sgid.paired_tests import ALPHA
from sgid.seeding import seed_for

RIVALS = 7
CHUNK = 50_000
SEEDS = (3, 5, 10)
CORRELATIONS = (0.0, 0.5, 0.9)
# A table of seven data sets and three backbones; its columns of averages follow from these.
TABLE_COLUMNS = 21


@dataclass(frozen=True)
class Setting:
    """`seeds` runs a method; `correlation` between two methods' runs of one seed, as from a shared initialisation."""

    seeds: int
    correlation: float


def simulate(trials: int) -> dict:
    """The rates of all settings, with what they were made from."""
    rows = [
        asdict(setting) | star_rates(setting, trials=trials)
        for setting in (Setting(seeds, correlation) for seeds in SEEDS for correlation in CORRELATIONS)
    ]
    return {"trials": trials, "rivals": RIVALS, "alpha": ALPHA, "rows": rows}


def star_rates(setting: Setting, *, trials: int) -> dict[str, float]:
    """Share of trials with a star: against the best rival or one named before, by the paired and by Welch's test."""
    chunks = [stars(accuracies) for accuracies in draw(setting, trials=trials)]
    return {name: float(np.mean(np.concatenate([chunk[name] for chunk in chunks]))) for name in chunks[0]}


def draw(setting: Setting, *, trials: int) -> Iterator[np.ndarray]:
    """Accuracies (trials, 1 + rivals, seeds) of equal methods in units of their deviation, some trials at a time."""
    generator = np.random.default_rng(seed_for("star_rule", setting.seeds, setting.correlation))
    for begin in range(0, trials, CHUNK):
        count = min(CHUNK, trials - begin)
        shared = generator.standard_normal((count, 1, setting.seeds))
        own = generator.standard_normal((count, 1 + RIVALS, setting.seeds))
        yield np.sqrt(setting.correlation) * shared + np.sqrt(1 - setting.correlation) * own


def stars(accuracies: np.ndarray) -> dict[str, np.ndarray]:
    """Whether method 0 has a star in each of (trials, 1 + rivals, seeds), by rival and test."""
    ours, rivals = accuracies[:, 0], accuracies[:, 1:]
    best = rivals.mean(axis=2).argmax(axis=1)
    against = {"best": rivals[np.arange(len(rivals)), best], "named": rivals[:, 0]}
    return {
        f"{name}_{test}": (result.pvalue < ALPHA) & (result.statistic > 0)
        for name, theirs in against.items()
        for test, result in {
            "paired": stats.ttest_rel(ours, theirs, axis=1),
            "welch": stats.ttest_ind(ours, theirs, axis=1, equal_var=False),
        }.items()
    }


def markdown_rates(result: dict) -> str:
    """The simulated rates as a table in percent, and what the paper's setting means for a whole table of stars."""
    lines = [
        "| seeds | correlation | best of seven, paired | one named before, paired | best, Welch | named, Welch |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        rates = [f"{100 * row[name]:.2f} %" for name in ("best_paired", "named_paired", "best_welch", "named_welch")]
        lines.append(f"| {row['seeds']} | {row['correlation']} | {' | '.join(rates)} |")
    return "\n".join([*lines, "", fill(sentence(result), 120)])


def sentence(result: dict) -> str:
    """What the rule's error rate at five seeds means for one column, for all of Table 1, and for a chosen winner."""
    rate = paper_rate(result)
    return (
        f"At five seeds, the star rule marks {100 * rate:.2f} % of columns in which all eight methods are equal "
        f"({result['trials']:,} trials; standard error {100 * standard_error(rate, result['trials']):.3f} points). "
        f"Of {TABLE_COLUMNS} such columns, were they independent, at least one would have a star in "
        f"{100 * (1 - (1 - rate) ** TABLE_COLUMNS):.0f} % of all tables. If the starred row were the winner of the "
        f"column, named after looking, the rate would be {RIVALS + 1} times as high: {100 * (RIVALS + 1) * rate:.1f} %."
    )


def paper_rate(result: dict) -> float:
    """The false-positive rate of the rule of Table 1: five seeds, independent, best of seven, paired."""
    return next(row["best_paired"] for row in result["rows"] if (row["seeds"], row["correlation"]) == (5, 0.0))


def standard_error(rate: float, trials: int) -> float:
    """Of a share."""
    return float(np.sqrt(rate * (1 - rate) / trials))
