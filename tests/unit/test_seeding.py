import subprocess
import sys
from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sgid.seeding import seed_for

NAMES = st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"])), min_size=1, max_size=6)


def test_a_seed_never_changes_between_versions():
    assert seed_for(0, "pets", "train/0001", "sgid", "0.5", 0) == 7635046621937763997


def test_a_seed_is_the_same_in_another_process():
    code = "from sgid.seeding import seed_for; print(seed_for('a', 1))"
    environment = {"PYTHONPATH": "workflow_scripts", "PYTHONHASHSEED": "7"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert int(found.stdout) == seed_for("a", 1)


def test_thousands_of_pictures_have_seeds_of_their_own():
    pictures = list(product((0, 1), ("pets", "dtd"), range(2000), ("sgid", "text2img"), ("0.3", "0.5"), (0, 1)))
    assert len({seed_for(*picture) for picture in pictures}) == len(pictures) == 64_000


@given(NAMES)
def test_every_library_takes_a_seed(names):
    assert 0 <= seed_for(*names) < 2**63


@given(NAMES, NAMES)
def test_other_names_give_another_seed(one, other):
    assert (seed_for(*one) == seed_for(*other)) == (one == other)


@given(st.permutations(range(20)), st.integers(1, 20))
def test_neither_order_nor_shards_change_the_seeds(order, count):
    shards = [order[i::count] for i in range(count)]
    drawn = {image: seed_for("pets", image) for rows in shards for image in rows}
    assert drawn == {image: seed_for("pets", image) for image in range(20)}


def test_the_order_of_names_matters():
    assert seed_for("a", "b") != seed_for("b", "a")


def test_a_number_and_its_text_are_one_name():
    assert seed_for("seed", 1) == seed_for("seed", "1")


def test_seeds_of_neighbours_draw_unrelated_numbers():
    draws = np.stack([np.random.default_rng(seed_for("image", i)).normal(size=1000) for i in range(20)])
    assert np.abs(np.corrcoef(draws) - np.eye(20)).max() < 0.15
