import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.guidance import Guidance, guidance_for, guidance_scale


@pytest.mark.parametrize(("similarity", "expected"), [(0, 1), (0.5, 1), (0.25, 1.25), (0.57, 0.8404), (0.8, 0.04)])
def test_guidance_takes_the_values_of_the_papers_formula(similarity, expected):
    assert guidance_scale(similarity) == pytest.approx(expected)


def test_guidance_peaks_at_a_quarter():
    assert guidance_scale(0.25) == max(guidance_scale(s / 100) for s in range(101))


@given(st.floats(-1, 1))
def test_guidance_is_never_negative_and_says_when_it_was_clamped(similarity):
    scale, clamped = guidance_for(similarity, Guidance())
    assert scale >= 0
    assert clamped == (guidance_scale(similarity) < 0)


@given(st.floats(0, 0.8))
def test_scaled_guidance_is_the_base_times_the_formula(similarity):
    scale, _ = guidance_for(similarity, Guidance(mode="scaled", base=7.5))
    assert scale == pytest.approx(7.5 * guidance_scale(similarity))


def test_constant_guidance_ignores_the_caption():
    assert guidance_for(0.9, Guidance(mode="constant", value=5.0)) == (5.0, False)


def test_an_unknown_mode_is_refused_with_the_legal_ones():
    with pytest.raises(ValueError, match=r"guidance\.mode: 'literaly' .*literal, scaled, constant"):
        Guidance(mode="literaly")
