"""The pretended cluster itself, and the lease of devices in its jobs."""

import sys

import pytest
from slurm_cluster import GPU_NODES, GPUS
from snake import ROOT

from sgid.submissions import SubmissionError, try_submission

LEASING = """
import pathlib, sys, time
sys.path.insert(0, {scripts!r})
from sgid.lease import lease_devices
pathlib.Path({folder!r}, sys.argv[1]).write_text(*lease_devices(patience=20))
time.sleep(3)
"""


@pytest.fixture
def leasing(tmp_path):
    """The command of a process that leases a device and writes down which; what it is called by, to be added."""
    driver, program = tmp_path / "bin/nvidia-smi", tmp_path / "lease.py"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    driver.chmod(0o755)
    (tmp_path / "leased").mkdir()
    program.write_text(LEASING.format(scripts=str(ROOT / "workflow_scripts"), folder=str(tmp_path / "leased")))
    return f"SGID_LOCKS={tmp_path} PATH={driver.parent}:$PATH {sys.executable} {program}"


def leased(slurm, tmp_path) -> list[str]:
    """What two processes have leased."""
    folder = tmp_path / "leased"
    slurm.wait_until(lambda: len([path for path in folder.iterdir() if path.read_text()]) == 2, "two leases")
    return sorted(path.read_text() for path in folder.iterdir())


def test_two_processes_of_a_job_share_out_the_devices_that_slurm_names(slurm, tmp_path, leasing):
    both = f"{leasing} one & {leasing} other & wait"
    slurm.command("sbatch", "--gpus=2", "--mem=1", "--output=/dev/null", "--wrap", both)
    assert leased(slurm, tmp_path) == ["0", "1"]


def test_two_jobs_whose_devices_slurm_does_not_name_share_out_those_of_the_node(slurm, tmp_path, leasing):
    for name in ("one", "other"):
        line = f"unset CUDA_VISIBLE_DEVICES; {leasing} {name}"
        slurm.command("sbatch", "--nodelist=cpu1", "--mem=1", "--output=/dev/null", "--wrap", line)
    assert leased(slurm, tmp_path) == ["GPU-a", "GPU-b"]


def test_jobs_that_run_at_once_have_a_node_and_device_of_their_own(slurm, tmp_path):
    count = len(GPU_NODES) * GPUS
    for number in range(count):
        line = f"echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES > {tmp_path}/{number}; sleep 60"
        slurm.command("sbatch", "--gpus=1", "--mem=1", "--output=/dev/null", "--wrap", line)
    slurm.wait_until(lambda: len(list(tmp_path.iterdir())) == count, "all jobs at work")
    slurm.wait_until(lambda: all(path.read_text() for path in tmp_path.iterdir()), "all jobs' lines")
    places = {tuple(path.read_text().split()) for path in tmp_path.iterdir()}
    assert places == {(node, str(device)) for node in GPU_NODES for device in range(GPUS)}


def test_a_restarted_controller_still_knows_its_jobs(slurm):
    slurm.command("sbatch", "--mem=1", "--output=/dev/null", "--wrap", "sleep 600")
    slurm.wait_until(lambda: slurm.jobs()[-1].state == "R", "the job at work")
    before = slurm.jobs()[-1]
    slurm.stop("slurmctld")
    slurm.start_controller()
    assert slurm.jobs()[-1] == before


@pytest.fixture
def asked(slurm, monkeypatch):
    """The cluster of the tests, asked from this process."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, slurm.environment[name])
    return slurm


def test_what_fits_would_be_taken_and_is_not_queued(asked):
    before = asked.jobs()
    try_submission(["--partition=main", "--time=480", "--mem=32000", "--gpus=1"])
    assert asked.jobs() == before


@pytest.mark.parametrize(
    ("word", "key"), [("--partition=wrong", "slurm_partition"), ("--constraint=wrong", "constraint")]
)
def test_what_is_unknown_there_is_refused_with_its_key(asked, word, key):
    with pytest.raises(SubmissionError, match=f"correct {key} in profiles/site.yaml"):
        try_submission([word])


def test_a_build_is_not_stopped_while_every_gpu_node_is_drained(asked):
    asked.command("scontrol", "update", f"NodeName={','.join(GPU_NODES)}", "State=DRAIN", "Reason=test")
    try_submission(["--gpus=1"])
