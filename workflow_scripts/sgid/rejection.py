"""Which generated pictures a filter leaves out, and why: scores in, reasons out.

A frame of pictures has one row a picture: `image_id`, `source_id`, `label`, `flag`, and of CLIP and the classifier what
the rules ask for. A comparison with a score that is no number rejects nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from sgid.image_sets import shards_of
from sgid.image_table import read_table
from sgid.runtime import read_json
from sgid.seeding import seed_for

FACTS = ["image_id", "source_id", "label", "flag"]
VERDICT = ["image_id", "source_id", "label", "reason", "applying"]
BY_CHANCE = "by chance"
BETWEEN = "; "  # reasons of one picture


def flagged(pictures: pd.DataFrame, _: bool) -> pd.Series:
    """Drawing itself found the picture black or not finite."""
    return pictures["flag"] != ""


def another_class(pictures: pd.DataFrame, least: float) -> pd.Series:
    """CLIP takes it for another class, and gives all others together at least this probability."""
    return (pictures["clip_class"] != pictures["label"]) & (1 - pictures["clip_own"] >= least)


def no_subject(pictures: pd.DataFrame, least: float) -> pd.Series:
    """For CLIP the subject is there with less than this probability."""
    return pictures["clip_subject"] < least


def too_unlike(pictures: pd.DataFrame, least: float) -> pd.Series:
    """Its cosine with its original is lower than this."""
    return pictures["cosine"] < least


def unchanged(pictures: pd.DataFrame, most: float) -> pd.Series:
    """Its cosine with its original is higher than this."""
    return pictures["cosine"] > most


def sure(pictures: pd.DataFrame, factor: float) -> pd.Series:
    """The classifier's confidence is at least so many times its mean over that class's own validation images."""
    return pictures["probability"] >= factor * pictures["threshold"]


def mislabelled(pictures: pd.DataFrame, factor: float) -> pd.Series:
    """The classifier is sure of another class."""
    return (pictures["predicted"] != pictures["label"]) & sure(pictures, factor)


def too_easy(pictures: pd.DataFrame, factor: float) -> pd.Series:
    """The classifier is sure of its own class, so that little is learnt from it."""
    return (pictures["predicted"] == pictures["label"]) & sure(pictures, factor)


# In the order in which they are asked (`recipes.RULES`, which a test compares): what is no picture, then what is none
# of its class, then what is of no use.
REASONS: dict[str, Callable[[pd.DataFrame, float], pd.Series]] = {
    "flagged": flagged,
    "another_class": another_class,
    "no_subject": no_subject,
    "too_unlike": too_unlike,
    "unchanged": unchanged,
    "mislabelled": mislabelled,
    "too_easy": too_easy,
}


def in_words(rule: str) -> str:
    """A rule's name as a reason in lists and tables."""
    return rule.replace("_", " ")


def read_pictures(path: str | Path, *, clip: Sequence[str], judgements: Sequence[str]) -> pd.DataFrame:
    """Facts of every picture of a set beside its scores. `clip`: one table or none; `judgements`: predictions and
    record, or neither. Raises ValueError where scores lack a picture of the set.
    """
    pictures = pa.concat_tables(shards_of(path, FACTS)).to_pandas()
    for table in clip:
        pictures = beside(pictures, read_table(table).to_pandas(), path=table)
    if judgements:
        table, record = judgements
        said = read_table(table, ["image_id", "predicted", "probability"]).to_pandas()
        thresholds = {int(label): value for label, value in read_json(record)["thresholds"].items()}
        pictures = beside(pictures, said.assign(threshold=said["predicted"].map(thresholds)), path=table)
    return pictures


def beside(pictures: pd.DataFrame, scores: pd.DataFrame, *, path: str) -> pd.DataFrame:
    """The pictures with the columns of their scores."""
    if lacking := sorted(set(pictures["image_id"]) - set(scores["image_id"])):
        raise ValueError(f"{path}: {len(lacking)} pictures have no score (one is {lacking[0]!r}); delete it, run again")
    return pictures.merge(scores, on="image_id", validate="one_to_one")


def reasons(pictures: pd.DataFrame, rules: Mapping[str, float]) -> pd.DataFrame:
    """bool, a column a rule in the order of REASONS: whether it applies to each picture."""
    found = {in_words(rule): REASONS[rule](pictures, rules[rule]) for rule in REASONS if rule in rules}
    return pd.DataFrame(found, index=pictures.index).astype(bool)


def verdicts(pictures: pd.DataFrame, rules: Mapping[str, float]) -> pd.DataFrame:
    """A row (VERDICT) a picture by `image_id`: the first reason and all that apply, both empty for what stays."""
    found = reasons(pictures, rules)
    applying = [[name for name, applies in row.items() if applies] for row in found.to_dict("records")]
    told = {"reason": [(*names, "")[0] for names in applying], "applying": list(map(BETWEEN.join, applying))}
    return pictures.assign(**told).sort_values("image_id")[VERDICT]


def by_chance(pictures: pd.DataFrame, pattern: Collection[str], *, seed: int) -> pd.DataFrame:
    """A row (VERDICT) a picture: of each class as many are left out as `pattern` has of it, drawn by their names.

    `pattern`: ids of what another filter rejects; those of other sets are passed over.
    """
    wanted = pictures.loc[pictures["image_id"].isin(pattern), "label"].value_counts()
    drawn = pictures.assign(place=[seed_for(seed, image_id, BY_CHANCE) for image_id in pictures["image_id"]])
    place = drawn.sort_values(["place", "image_id"]).groupby("label").cumcount().reindex(drawn.index)
    reason = (place < drawn["label"].map(wanted).fillna(0)).map({True: BY_CHANCE, False: ""})
    return drawn.assign(reason=reason, applying=reason).sort_values("image_id")[VERDICT]


def read_verdicts(path: str | Path) -> pd.DataFrame:
    """What a rule wrote of `verdicts` or `by_chance`."""
    return pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(VERDICT, str) | {"label": int})


def rejected(found: pd.DataFrame) -> list[dict]:
    """The rows of the verdicts that give a reason, for a reject list."""
    return found[found["reason"] != ""].to_dict("records")
