"""Ratings by chance, for the demo and the tests: they know nothing of pictures and methods, and say so in each row."""

import random
from collections.abc import Mapping

from sgid.rating_items import FOREIGN, SAME
from sgid.rating_pages import page_of
from sgid.rating_sheets import SCORES, Rating, Sheet
from sgid.seeding import seed_for

ATTENTIVE = {SAME: (5, 1), FOREIGN: (1, 5)}  # the answers that the checks expect


def simulate_sheet(key: Mapping, annotator: int) -> Sheet:
    """A whole sheet of one page: each item has a score of its own, from which an annotator strays now and then."""
    seed = key["seed"]
    ratings = [
        Rating(item, *(ATTENTIVE.get(entry["kind"]) or _scores(item, annotator, seed)), seconds=0.0)
        for item, entry in key["items"].items()
    ]
    return Sheet("", page_of(key, annotator), f"simulated-{annotator}", True, tuple(ratings))


def _scores(item: str, annotator: int, seed: int) -> tuple[int, int]:
    own = random.Random(seed_for("simulated", seed, item))
    straying = random.Random(seed_for("simulated", seed, item, annotator))
    first, second = (own.choice(SCORES) + straying.choice((-1, 0, 0, 1)) for _ in range(2))
    return _within(first), _within(second)


def _within(score: int) -> int:
    return min(max(score, SCORES[0]), SCORES[-1])
