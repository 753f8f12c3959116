"""The workflow through profiles/slurm on a real SLURM: a table of the drawn world, from nothing, on four GPUs."""

import re
from itertools import combinations

import pytest
from slurm_cluster import GPU_NODES, GPUS

PLACE = re.compile(r" on (\w+), SLURM job (\d+), GPU (\d+)$", flags=re.MULTILINE)
# By two and two, as build.yaml asks for; the number of a group is left out.
SUBMITTED = {
    "rule_short_write_captions": 1,
    "rule_short_score_captions": 1,
    "rule_short_draw_images": 2,
    "rule_short_train_candidate": 1,
    "rule_short_train_classifier": 3,
    "rule_train_classifier": 1,
}


@pytest.fixture
def jobs(finished):
    return finished[1]


def test_a_build_on_slurm_makes_its_table(built):
    assert "SGID" in (built.folder / "results/tables/tiny.md").read_text()


def test_each_job_was_submitted_once_and_what_needs_no_gpu_not_at_all(jobs):
    rules = [re.sub(r"short\d+", "short", job.comment.split("_wildcards_")[0]) for job in jobs]
    assert {rule: rules.count(rule) for rule in set(rules)} == SUBMITTED
    assert {job.state for job in jobs} == {"CD"}


def test_jobs_at_the_same_time_had_devices_of_their_own_on_four_of_them(built, jobs):
    logs = "\n".join(path.read_text() for path in built.folder.glob("logs/*/**/*.log"))
    devices = {int(number): (node, device) for node, number, device in PLACE.findall(logs)}
    assert sorted(devices) == [job.number for job in jobs]
    together = [
        (devices[one.number], devices[other.number])
        for one, other in combinations(jobs, 2)
        if one.began < other.ended and other.began < one.ended
    ]
    assert not [pair for pair in together if pair[0] == pair[1]]
    assert {device for pair in together for device in pair} == {
        (node, str(number)) for node in GPU_NODES for number in range(GPUS)
    }


def test_a_second_call_finds_nothing_to_be_done(built):
    assert "Nothing to be done" in built.run("all")
