"""How many pictures a filter left out, by reason and by class, and how the scores lie that its rules look at."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sgid.classes import ALL, apart_from_all, told_apart
from sgid.recipes import rules_of
from sgid.rejection import BETWEEN, in_words

UNSAID = "no reason given"  # by the person who put a line on the list
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# What a score is, and whose rules' numbers are found by it.
SCORES = {
    "clip_own": ("CLIP: probability of the label's class", "another class (as 1 − score)"),
    "clip_subject": ("CLIP: probability that the subject is there", "no subject"),
    "cosine": ("CLIP: cosine of picture and original", "too unlike, unchanged"),
    "sureness": ("Classifier: confidence, as a multiple of the threshold of the class seen", "mislabelled, too easy"),
}
COUNTS = ["class_name", "reason", "drawn", "left_out", "share", "applying"]


def counts_of(
    verdicts: pd.DataFrame, rejects: Mapping[str, str], *, recipe: Mapping, names: Sequence[str]
) -> pd.DataFrame:
    """A row (COUNTS) a class and reason, `all` of both included; classes by the share left out, the highest first.

    rejects: id to reason as the list has it, which may have been edited and decides what is left out. applying: to how
    many pictures a reason applies, whether another one comes before it. share: of the pictures drawn of that class.
    """
    told = verdicts.assign(
        class_name=verdicts["label"].map(told_apart(dict(enumerate(map(apart_from_all, names))))),
        told=[reason_of(rejects, image_id) for image_id in verdicts["image_id"]],
        applying=verdicts["applying"].str.split(BETWEEN),
    )
    columns = reasons_in_order(told, recipe)
    groups = [(ALL, told), *told.groupby("class_name", sort=True)]
    rows = [row for name, part in groups for row in _counts(name, part, columns)]
    frame = pd.DataFrame(rows, columns=COUNTS)
    whole = frame[frame["reason"] == ALL].set_index("class_name")["share"]
    worst = [ALL, *sorted(whole.index.drop(ALL), key=lambda name: (-whole[name], name))]
    place = {name: number for number, name in enumerate(worst)}
    return frame.sort_values("class_name", key=lambda column: column.map(place), kind="stable", ignore_index=True)


def reason_of(rejects: Mapping[str, str], image_id: str) -> str:
    """Why the list rejects a picture; empty for one that it does not name."""
    return apart_from_all(rejects[image_id] or UNSAID) if image_id in rejects else ""


def reasons_in_order(told: pd.DataFrame, recipe: Mapping) -> list[str]:
    """The rules that are on, in their order, then whatever else the list says."""
    rules = list(map(in_words, rules_of(recipe)))
    return rules + sorted(set(told["told"]) - {"", *rules})


def _counts(name: str, part: pd.DataFrame, reasons: Sequence[str]) -> list[dict]:
    applying = part["applying"].explode().value_counts()
    left_out = part["told"].value_counts()
    total = int((part["told"] != "").sum())
    touched = int((part["applying"].str.join("") != "").sum())
    rows = [(ALL, total, touched)]
    rows += [(reason, int(left_out.get(reason, 0)), int(applying.get(reason, 0))) for reason in reasons]
    return [
        {
            "class_name": name,
            "reason": reason,
            "drawn": len(part),
            "left_out": out,
            "share": out / len(part),
            "applying": applies,
        }
        for reason, out, applies in rows
    ]


def bare_classes(counts: pd.DataFrame) -> list[str]:
    """The classes of which no picture is left."""
    whole = counts[(counts["reason"] == ALL) & (counts["class_name"] != ALL)]
    return whole.loc[whole["left_out"] == whole["drawn"], "class_name"].tolist()


def spread_of(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a score (SCORES) that there is, a column a quantile: where a rule's number would cut."""
    if "threshold" in pictures:
        pictures = pictures.assign(sureness=pictures["probability"] / pictures["threshold"])
    known = [score for score in SCORES if score in pictures]
    return pictures[known].quantile(list(QUANTILES)).T


def agreement_of(pictures: pd.DataFrame) -> dict[str, float]:
    """Share of pictures in which CLIP, and the classifier, sees the class of the label; whichever was asked."""
    told = {"CLIP": "clip_class", "the classifier": "predicted"}
    return {
        who: float((pictures[column] == pictures["label"]).mean()) for who, column in told.items() if column in pictures
    }
