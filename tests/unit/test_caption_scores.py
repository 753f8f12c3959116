import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.caption_scores import SIMILARITIES, similarities, similarity_alone

cosines = st.lists(st.floats(-1, 1), min_size=1, max_size=20)


@given(cosines)
def test_a_plain_cosine_is_left_as_it_is(values):
    assert similarities("cosine", values) == similarities("blip_itc", values) == values


@given(cosines)
def test_softmax_shares_out_one(values):
    assert sum(similarities("softmax", values)) == pytest.approx(1)


def test_softmax_weighs_by_clips_logit_scale():
    first, second = similarities("softmax", [0.31, 0.30])
    assert first / second == pytest.approx(math.e)


def test_clipscore_is_two_and_a_half_times_the_cosine_and_never_negative():
    assert similarities("clipscore", [0.2, -0.3]) == [0.5, 0.0]


@pytest.mark.parametrize("mode", SIMILARITIES)
@given(cosines)
def test_every_reading_keeps_the_order(mode, values):
    pairs = sorted(zip(values, similarities(mode, values), strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(pairs))


@pytest.mark.parametrize("mode", SIMILARITIES)
def test_what_is_no_number_stays_so_and_disturbs_no_other(mode):
    found = similarities(mode, [0.3, math.nan, 0.1])
    assert math.isnan(found[1])
    assert [found[0], found[2]] == pytest.approx(similarities(mode, [0.3, 0.1]))


@pytest.mark.parametrize("mode", SIMILARITIES)
def test_no_candidate_has_no_similarity(mode):
    assert similarities(mode, []) == []


def test_a_text_without_rivals_has_no_share_and_else_its_own_similarity():
    assert math.isnan(similarity_alone("softmax", 0.3))
    assert [similarity_alone(mode, 0.3) for mode in ("cosine", "clipscore")] == [0.3, 0.75]


def test_an_unknown_reading_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^similarity\.mode: 'dot' is not defined \(have: cosine, softmax, clipscore"):
        similarities("dot", [0.1])
