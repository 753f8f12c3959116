"""Before the first job: SLURM is asked whether it would take the build's jobs."""

import os

import pytest
from snake import copy_of_the_repository, snakemake

from sgid.submissions import SubmissionError, check_account, check_gpus, kinds, options, try_submission


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """Puts an `sbatch` first in the search path that runs a line of shell; its words stand in `asked`."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def write(line: str):
        program = tmp_path / "sbatch"
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{line}\n')
        program.chmod(0o755)
        return tmp_path / "asked"

    return write


def says(words: str) -> str:
    return f"echo '{words}' >&2; exit 1"


def test_what_slurm_would_take_is_asked_for_without_queueing_it(sbatch):
    asked = sbatch("exit 0")
    try_submission(["--partition=gpu"])
    assert asked.read_text() == "--test-only --partition=gpu --wrap=true\n"


def test_without_a_controller_the_sentence_sends_to_a_login_node(sbatch):
    sbatch(says("Unable to contact slurm controller"))
    with pytest.raises(SubmissionError, match=r"^sbatch .*: Unable to contact .*`sinfo` works \(a login node\)$"):
        try_submission([])


def test_without_slurm_too(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SubmissionError, match=r"No such file .*'sbatch'; .*login node\)$"):
        try_submission([])


def test_a_controller_that_does_not_answer_is_given_up(sbatch):
    sbatch("exec sleep 60")
    with pytest.raises(SubmissionError, match="no answer within 0 s"):
        try_submission([], patience=0.2)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Invalid partition name specified", "slurm_partition"),
        ("Invalid account or account/partition combination specified", "slurm_account and slurm_partition"),
        ("Invalid qos specification", "qos"),
        ("Invalid feature specification", "constraint"),
    ],
)
def test_a_refusal_names_the_key_to_correct(sbatch, words, key):
    sbatch(says(words))
    with pytest.raises(SubmissionError, match=f"{words}; correct {key} in profiles/site.yaml"):
        try_submission([])


def test_nodes_that_are_down_or_drained_stop_no_build(sbatch):
    sbatch(says("allocation failure: Requested node configuration is not available"))
    try_submission([])


def test_gpus_and_what_the_site_configures_become_options():
    resources = {"slurm_partition": "gpu", "runtime": 60, "gpu": 1, "gpu_model": "a100", "cpus_per_task": 4}
    assert options(resources) == ["--partition=gpu", "--time=60", "--gpus=a100:1"]


def test_slurm_is_asked_once_for_what_differs_in_minutes_only_with_those_of_the_longest_submission():
    small, large = {"mem_mb": 16000, "runtime": 60}, {"mem_mb": 32000, "runtime": 90}
    assert kinds([[small], [small] * 3, [large, small]]) == [
        ["--mem=16000", "--time=180"],
        ["--mem=32000", "--time=150"],
    ]


def test_more_than_one_gpu_for_each_submission_is_refused():
    check_gpus(1)
    check_gpus(None)
    with pytest.raises(SubmissionError, match=r"^--resources gpu=4: on SLURM each submission has one GPU"):
        check_gpus(4)


def test_an_account_that_the_plugin_refuses_is_named():
    def validate(name, _):
        if name != "known":
            raise LookupError(f"The given account {name} appears to be invalid. Available accounts:\nknown")

    check_account("known", validate, LookupError)
    with pytest.raises(SubmissionError, match=r"^slurm_account wrong: .*accounts: known; correct it in profiles/site"):
        check_account("known, wrong", validate, LookupError)


def test_a_build_stops_before_its_first_job_where_slurm_refuses(sbatch, tmp_path):
    sbatch(says("Invalid partition name specified: main"))
    folder = copy_of_the_repository(tmp_path / "checkout")
    build = ("--configfile", "config/demo.yaml", "tests/cluster/build.yaml")
    call = snakemake("all", *build, "--profile", "profiles/slurm", "--profile", "tests/cluster/site.yaml", cwd=folder)
    assert call.code != 0
    assert "correct slurm_partition in profiles/site.yaml" in call.text
    assert not (folder / "results/tables").exists()
    words = ["--resources", "gpu=4", "--profile", "profiles/slurm", "--profile", "tests/cluster/site.yaml"]
    assert "--resources gpu=4: on SLURM" in snakemake("all", *build, *words, cwd=folder).text
