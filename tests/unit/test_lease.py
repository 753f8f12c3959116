import os
import platform
import signal
import subprocess
import sys
import time

import pytest

from sgid import lease
from sgid.lease import lease_devices, lock_folder, place, pool_of

HOLDER = """
import os, sys, time
from sgid.lease import lease_devices
print(*lease_devices(int(sys.argv[1])), flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def given_back(monkeypatch):
    """What a test leased is free again after it."""
    held: list[int] = []
    monkeypatch.setattr(lease, "_held", held)
    yield
    for descriptor in held:
        os.close(descriptor)


@pytest.fixture
def four(tmp_path):
    return {"SGID_GPUS": "0,1,2,3", "SGID_LOCKS": str(tmp_path)}


def holder(four: dict[str, str], count: int = 1) -> tuple[subprocess.Popen, list[str]]:
    """A process that holds devices until it is killed, and which."""
    environment = os.environ | four | {"PYTHONPATH": "workflow_scripts"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(count)], env=environment, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().split()


@pytest.fixture
def holders(four):
    made: list[subprocess.Popen] = []

    def start(count: int = 1) -> tuple[subprocess.Popen, list[str]]:
        process, devices = holder(four, count)
        made.append(process)
        return process, devices

    yield start
    for process in made:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("environment", "pool"),
    [
        ({"SGID_GPUS": "2,3", "CUDA_VISIBLE_DEVICES": "0"}, ["2", "3"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1a,MIG-2b/3"}, ["GPU-1a", "MIG-2b/3"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
    ],
)
def test_the_pool_is_what_the_user_or_slurm_says(environment, pool):
    assert pool_of(environment) == pool


def test_without_a_word_the_driver_lists_the_pool(tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 0\necho 1\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pool_of({}) == ["0", "1"]


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 9\n"])
def test_without_a_working_driver_there_is_no_pool_and_nothing_to_lease(tmp_path, monkeypatch, script):
    if script:
        (tmp_path / "nvidia-smi").write_text(script)
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lease_devices(environment={}) == []


def test_four_processes_get_four_devices_and_a_fifth_waits_until_one_is_killed(four, holders):
    found = [holders() for _ in range(4)]
    assert sorted(device for _, devices in found for device in devices) == ["0", "1", "2", "3"]
    with pytest.raises(TimeoutError, match=r"^no GPU of 0, 1, 2, 3 is free after 0 s; see who holds .*sgid-gpus"):
        lease_devices(environment=four, patience=0)
    process, (freed,) = found[1]
    process.send_signal(signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    assert lease_devices(environment=four, patience=30) == [freed]
    assert time.monotonic() - began < 10


def test_two_devices_are_taken_together_or_not_at_all(four, holders):
    _, taken = holders(3)
    with pytest.raises(TimeoutError):
        lease_devices(2, environment=four, patience=0)
    # The one that was free is free still.
    assert lease_devices(environment=four, patience=0) == sorted({"0", "1", "2", "3"} - set(taken))


def test_more_devices_than_there_are_is_refused_at_once(four):
    with pytest.raises(ValueError, match=r"^5 GPUs are asked for and 4 are there \(0, 1, 2, 3\); lower `gpu`$"):
        lease_devices(5, environment=four)


def test_each_slurm_job_has_locks_of_its_own(four):
    assert lease_devices(4, environment=four) == ["0", "1", "2", "3"]
    assert lease_devices(4, environment=four | {"SLURM_JOB_ID": "17"}) == ["0", "1", "2", "3"]


def test_slurm_jobs_that_were_named_no_devices_share_those_of_the_node(tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text('#!/bin/sh\ncase "$*" in *=uuid*) echo GPU-a; echo GPU-b;; *) echo 0;; esac\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    jobs = [{"SLURM_JOB_ID": number, "SGID_LOCKS": str(tmp_path)} for number in ("17", "18", "19")]
    taken = [lease_devices(environment=job, patience=0) for job in jobs[:2]]
    assert sorted(device for devices in taken for device in devices) == ["GPU-a", "GPU-b"]
    with pytest.raises(TimeoutError):
        lease_devices(environment=jobs[2], patience=0)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "gpu1", "CUDA_VISIBLE_DEVICES": "1"}, "gpu1, SLURM job 7, GPU 1"),
        ({"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "cpu1"}, "cpu1, SLURM job 7"),
        ({"CUDA_VISIBLE_DEVICES": ""}, f"{platform.node()}, GPU none"),
        ({}, platform.node()),
    ],
)
def test_a_job_knows_where_it_runs(environment, words):
    assert place(environment) == words


def test_locks_of_another_user_can_be_held_too(four):
    folder = lock_folder(four)
    for device in range(4):
        (folder / f"gpu-{device}").touch(mode=0o444)
    assert len(lease_devices(environment=four, patience=0)) == 1
    assert folder.stat().st_mode & 0o1777 == 0o1777


CHOOSE = """
import os, sys
from sgid.runtime import choose_device
try:
    print(choose_device())
except RuntimeError as error:
    print(error)
print(os.environ.get("CUDA_VISIBLE_DEVICES"))
"""


def chosen(environment: dict[str, str]) -> list[str]:
    """What choose_device answers, or the sentence that it stops with, and the devices that its process sees."""
    own = {name: value for name, value in os.environ.items() if name not in ("SGID_DEVICE", "CUDA_VISIBLE_DEVICES")}
    whole = own | environment | {"PYTHONPATH": "workflow_scripts"}
    done = subprocess.run([sys.executable, "-c", CHOOSE], env=whole, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_job_sees_its_device_alone(four):
    assert chosen(four)[1] in {"0", "1", "2", "3"}


def test_a_leased_gpu_that_torch_cannot_see_stops_the_job_with_what_to_do(tmp_path):
    # No GPU here: what a driver too old for torch's CUDA looks like to torch.
    said, _ = chosen({"SGID_GPUS": "9", "SGID_LOCKS": str(tmp_path)})
    assert said.startswith("GPU 9 is there, and PyTorch ")
    assert "update the NVIDIA driver" in said or "built without CUDA" in said
    assert "SGID_DEVICE=cpu" in said


def test_who_names_the_cpu_gets_it_though_there_are_gpus(four):
    assert chosen(four | {"SGID_DEVICE": "cpu"}) == ["cpu", "None"]


def test_where_nothing_names_a_gpu_the_cpu_is_meant(tmp_path):
    assert chosen({"CUDA_VISIBLE_DEVICES": "", "SGID_LOCKS": str(tmp_path)})[0] == "cpu"
