"""Too little memory is said before, or in one sentence after."""

import re

import pytest
import torch

from sgid import host_memory, memory
from sgid.composition import compose_training_set
from sgid.image_table import image_rows
from sgid.memory import available_memory, memory_in_one_sentence, moved, placed, require_memory


def test_available_memory_is_what_the_kernel_says(monkeypatch, tmp_path):
    monkeypatch.setattr(host_memory, "OWN_GROUP", tmp_path / "nowhere")
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    2000 kB\n")
    monkeypatch.setattr(host_memory, "MEMORY_INFORMATION", tmp_path / "meminfo")
    assert available_memory() == 2000 * 1024


def grouped(monkeypatch, tmp_path, *, limit):
    """A job in a control group of its own, `limit` bytes for the step above it, 300 of them taken."""
    (tmp_path / "own").write_text("0::/job/step\n")
    for name, most in (("job", limit), ("job/step", "max")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "memory.max").write_text(f"{most}\n")
        (tmp_path / name / "memory.current").write_text("300\n")
    monkeypatch.setattr(host_memory, "OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(host_memory, "GROUPS", tmp_path)


def test_a_jobs_own_limit_counts_where_it_is_the_lower(monkeypatch, tmp_path):
    grouped(monkeypatch, tmp_path, limit=1000)
    assert available_memory() == 700


def test_a_group_without_a_limit_leaves_it_to_the_machine(monkeypatch, tmp_path):
    grouped(monkeypatch, tmp_path, limit="max")
    assert available_memory() > 2**28


def test_where_the_kernel_says_nothing_the_machines_memory_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(host_memory, "MEMORY_INFORMATION", tmp_path / "nowhere")
    assert available_memory() > 2**28


def test_a_set_that_does_not_fit_is_refused_with_numbers_and_the_next_step(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2_000_000_000)
    require_memory(30_000, 144)
    sentence = (
        r"^40000 pictures of 256 pixels a side take 7\.9 GB and 2\.0 GB are free; lower the backbone's view\.resize or "
        r"take a larger machine$"
    )
    with pytest.raises(MemoryError, match=sentence):
        require_memory(40_000, 256)


ON_GPU = torch.OutOfMemoryError(
    "CUDA out of memory. Tried to allocate 9.00 GiB. GPU 0 has a total capacity of 79.19 GiB of which 1.25 GiB is "
    "free. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True."
)
GPU_NUMBERS = r"\(Tried to allocate 9\.00 GiB; GPU 0 has a total capacity of 79\.19 GiB of which 1\.25 GiB is free\)"


def sentence_for(error):
    with pytest.raises(MemoryError) as raised, memory_in_one_sentence(64, 224):
        raise error
    return str(raised.value)


def test_a_full_gpu_becomes_one_sentence_with_the_allocators_numbers():
    assert re.search(rf"batches of 64 pictures of 224 pixels a side .*{GPU_NUMBERS}; lower the", sentence_for(ON_GPU))


def test_so_does_what_the_allocator_of_the_cpu_says():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert "can't allocate memory: you tried to allocate 1152921504606846976 bytes" in sentence_for(raised.value)


def test_so_does_pythons_own_error():
    assert "does not fit the memory (MemoryError); lower" in sentence_for(MemoryError())


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), memory_in_one_sentence(64, 224):
        raise RuntimeError("shapes differ")


def test_on_a_cpu_pictures_are_where_they_are_needed():
    pictures = torch.zeros(4, dtype=torch.uint8)
    assert placed(pictures, torch.device("cpu")) is pictures
    assert moved(pictures, torch.device("cpu")) is pictures


class OnGPU(torch.Tensor):
    """A tensor that would say where it was sent."""

    def to(self, device):
        return f"sent to {device}"


@pytest.mark.parametrize(("free", "stays"), [(2_000, False), (1_666, True)])
def test_on_a_gpu_pictures_take_no_more_than_a_share_of_what_is_free(monkeypatch, free, stays):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10_000))
    pictures = torch.zeros(1_000, dtype=torch.uint8).as_subclass(OnGPU)
    assert (placed(pictures, torch.device("cuda")) is pictures) == stays


def test_a_training_set_is_refused_before_a_picture_is_decoded(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 100)
    unreadable = image_rows(["a", "b"], [b"no picture"] * 2, [0, 1])
    with pytest.raises(MemoryError, match=r"^2 pictures of 8 pixels a side take"):
        compose_training_set(unreadable, None, size=8, classes=2)
