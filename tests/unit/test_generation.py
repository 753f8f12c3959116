"""What a configuration leaves open about drawing, and what each device makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.generators.generation import LARGEST_BATCH, Generation, batch_for

GIB = 1 << 30


def test_a_gpu_gets_half_precision_and_channels_last():
    there = Generation("img2img").on("cuda:0", memory=24 * GIB)
    assert (there.precision, there.channels_last, there.batch_size) == ("float16", True, 16)


def test_a_cpu_gets_full_precision_and_small_batches():
    here = Generation("img2img").on("cpu")
    assert (here.precision, here.channels_last, here.batch_size) == ("float32", False, 4)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_what_the_configuration_says_is_kept(device):
    asked = Generation("img2img", precision="bfloat16", channels_last=False, batch_size=5)
    assert asked.on(device, memory=80 * GIB) == asked


@pytest.mark.parametrize(("memory", "pictures"), [(2, 1), (8, 4), (12, 8), (16, 8), (24, 16), (80, 32), (141, 32)])
def test_a_batch_follows_the_memory_of_the_gpu(memory, pictures):
    assert batch_for(memory * GIB) == pictures


@given(st.integers(0, 1 << 40))
def test_a_batch_is_a_power_of_two_between_one_and_the_largest(memory):
    size = batch_for(memory)
    assert 1 <= size <= LARGEST_BATCH
    assert size & (size - 1) == 0


def test_an_unknown_precision_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^generation\.precision: 'half' is not defined \(have: auto, float32"):
        Generation("img2img", precision="half")


def test_an_unknown_generator_is_refused_with_the_legal_ones():
    with pytest.raises(ValueError, match=r"'glide' is not defined .*img2img, text2img, instruct-pix2pix"):
        Generation("glide")
