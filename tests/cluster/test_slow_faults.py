"""What else a cluster does to a build; minutes each, so not in the gate: `make faults` runs them for docs/faults.

Each notes how many jobs were redone, and by whom: SLURM (a lost node, preemption) or Snakemake (all else).
"""

import os
import signal
import subprocess

import pytest
from slurm_checkout import SLOW
from slurm_cluster import GPUS, NODES
from slurm_faults import PICTURES, RUN, SHARD, drawn, finishes, kept, steps_before, wait_for_pictures, wait_for_steps

pytestmark = pytest.mark.fault


@pytest.fixture
def draws(built):
    """A drawing at work, of a noise rate that no other test draws: Snakemake, the rate, what was there before."""
    noise = f"0.{40 + len(list((built.folder / 'resources/drawn/shapes/sgid').iterdir()))}"
    before, process = built.outputs(), built.start(SHARD.format(noise=noise), build=SLOW)
    wait_for_pictures(built, noise)
    return process, noise, before


def states(checkout) -> list[str]:
    return [job.state for job in checkout.jobs()]


def drawn_once(checkout, noise: str) -> bool:
    return len(drawn(checkout, noise)) == len(set(drawn(checkout, noise))) == PICTURES


def ended(checkout, draws) -> None:
    """The call ends well, nothing was made twice, and a plain rerun has nothing to do."""
    process, noise, before = draws
    finishes(process, checkout)
    assert drawn_once(checkout, noise)
    assert kept(checkout, before)
    jobs = checkout.jobs()
    assert "Nothing to be done" in checkout.run(SHARD.format(noise=noise), build=SLOW)
    checkout.noted = jobs


def test_a_training_over_its_time_limit_is_warned_and_goes_on(built, note):
    longer = (*SLOW, "tests/cluster/longer.yaml")
    before, process = built.outputs(), built.start(RUN.format(method="slower"), build=longer)
    wait_for_steps(built)
    built.slurm.command("scontrol", "update", f"JobId={built.job('train_classifier').number}", "TimeLimit=1")
    finishes(process, built)
    assert states(built) == ["F", "CD"]
    note(f"one job again, from step {steps_before(built, 'slower')} of 6400, with {built.jobs()[-1].minutes}")
    assert kept(built, before)
    assert "Nothing to be done" in built.run(RUN.format(method="slower"), build=longer)


def test_a_cancelled_submission_of_three_trainings_trains_none_of_them_twice(built, note):
    shared = (*SLOW, "tests/cluster/shared.yaml")
    before, process = built.outputs(), built.start("shared", build=shared)
    done = built.folder / "resources/trained/runs/shapes/resnet_tiny"
    built.slurm.wait_until(lambda: [*done.glob("shared_?/seed-0.*.json")], "one of the three", 180)
    built.slurm.command("scancel", str(built.job("train_classifier").number))
    finishes(process, built)
    assert [(job.state, job.minutes) for job in built.jobs()] == [("CA", "33:00"), ("CD", "1:03:00")]
    logs = list((built.folder / "logs/train_classifier/shapes/resnet_tiny").glob("shared_?/seeds.log"))
    taken = sum(" 1 of 1 runs were trained before" in log.read_text() for log in logs)
    assert len(logs) == 3 > taken > 0
    note(f"one submission again; of its three trainings {taken} were taken from what was kept")
    assert kept(built, before)
    assert "Nothing to be done" in built.run("shared", build=shared)


def test_a_drained_node_ends_its_job_and_gets_no_other(built, draws, note):
    node = built.jobs()[-1].node
    built.slurm.command("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    ended(built, draws)
    assert [job.state for job in built.noted] == ["CD"]
    note("none again")


def test_slurm_requeues_the_job_of_a_lost_node_and_snakemake_waits(built, draws, note):
    node = built.jobs()[-1].node
    built.slurm.lose_node(node)
    ended(built, draws)
    assert [job.state for job in built.noted] == ["CD"]
    assert built.noted[0].node != node
    note("one job again, by SLURM, on another node; Snakemake submitted none")


def test_slurm_requeues_a_preempted_job_and_snakemake_waits(built, draws, note):
    words = ["--partition=urgent", f"--nodes={len(NODES) - 1}", f"--gpus-per-node={GPUS}", "--mem=1"]
    built.slurm.command("sbatch", *words, "--output=/dev/null", "--wrap", "sleep 20")
    built.slurm.wait_until(lambda: built.jobs()[0].state == "PD", "the drawing back in the queue")
    ended(built, draws)
    assert {job.state for job in built.noted} == {"CD"}
    note("one job again, by SLURM; Snakemake submitted none")


SACCT = """#!/bin/sh
# Answers for the accounting database that the tests' cluster has not; nothing while it is away.
[ -e {away} ] && exit 1
name=$(echo "$*" | sed 's/.*--name //; s/ .*//')
squeue --noheader --states=all --name "$name" --format='%i|%T'
"""


def test_a_controller_and_an_accounting_that_are_away_for_a_while_cost_no_job(built, note):
    sacct, away = built.slurm.folder / "bin/sacct", built.slurm.folder / "away"
    sacct.write_text(SACCT.format(away=away))
    sacct.chmod(0o755)
    before = built.outputs()
    process = built.start(SHARD.format(noise="0.38"), "--slurm-status-command", "sacct", build=SLOW)
    try:
        wait_for_pictures(built, "0.38")
        away.touch()
        built.slurm.stop("slurmctld")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(60)
        built.slurm.start_controller()
        away.unlink()
        ended(built, (process, "0.38", before))
    finally:
        sacct.unlink()
        away.unlink(missing_ok=True)
    assert [job.state for job in built.noted] == ["CD"]
    note("none again, after 60 s without them")


def test_a_full_disk_says_so_and_what_was_drawn_stays(built, note):
    folder, noise = built.folder / "resources/drawn/shapes/sgid/noise-0.39", "0.39"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no small disk to be filled: mount needs root")
    try:
        before = built.outputs()
        assert built.start(SHARD.format(noise=noise), build=SLOW).wait() == 1
        assert states(built) == ["F"] * 3
        assert f"no space left in {folder.relative_to(built.folder)}" in built.said.read_text() + built.job_logs()
        at_the_end = len(drawn(built, noise))
        subprocess.run(["mount", "-o", "remount,size=16m", folder], check=True)
        built.run(SHARD.format(noise=noise), build=SLOW)
        assert 0 < at_the_end < PICTURES
        assert drawn_once(built, noise)
        assert kept(built, before)
        assert "Nothing to be done" in built.run(SHARD.format(noise=noise), build=SLOW)
        note(f"three attempts, then one after room was made; {at_the_end} pictures of {PICTURES} were kept")
    finally:
        subprocess.run(["umount", folder], check=True)


def test_after_a_kill_of_snakemake_its_jobs_are_cancelled_by_name_and_a_rerun_goes_on(built, draws, note):
    process, noise, before = draws
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert states(built) == ["R"]
    name = built.jobs()[0].name
    built.slurm.command("scancel", f"--name={name}")
    built.slurm.wait_until(lambda: states(built) == ["CA"], "the job cancelled")
    at_the_kill = len(drawn(built, noise))
    built.run("--unlock", build=SLOW)
    built.run(SHARD.format(noise=noise), build=SLOW)
    assert states(built) == ["CD"]
    assert 0 < at_the_kill < PICTURES
    assert drawn_once(built, noise)
    assert kept(built, before)
    assert "Nothing to be done" in built.run(SHARD.format(noise=noise), build=SLOW)
    note(f"one job again; {at_the_kill} pictures of {PICTURES} were kept")


def test_a_second_snakemake_of_the_checkout_is_refused_and_the_first_goes_on(built, draws, note):
    command = built.command(SHARD.format(noise=draws[1]), build=SLOW)
    second = subprocess.run(command, cwd=built.folder, env=built.environment, capture_output=True, text=True)
    assert second.returncode != 0
    assert "cannot be locked" in second.stderr
    ended(built, draws)
    assert [job.state for job in built.noted] == ["CD"]
    note("none again; the second call says that the folder cannot be locked")
