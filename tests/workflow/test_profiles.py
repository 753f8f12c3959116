"""The profiles: what each rule is given, what is submitted, and which of two profiles is heard."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from snake import ROOT, copy_of_the_repository, snakemake
from submissions import ON_SLURM
from test_layering import RULES

from sgid.planning.graph import ON_A_GPU

SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
GPU_RULES = {name for name, body in RULES.items() if re.search(r"^ +gpu=1,$", body, flags=re.MULTILINE)}
SHOWN = re.findall(r"^\$ (snakemake .+)$", (ROOT / "docs/cluster.md").read_text(), flags=re.MULTILINE)
COMMANDS = sorted({command for command in SHOWN if "--unlock" not in command})


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A checkout without results."""
    return copy_of_the_repository(tmp_path_factory.mktemp("clean") / "checkout")


def test_each_rule_that_needs_a_gpu_has_memory_and_processors_on_slurm_and_time_by_its_plan():
    given = SLURM["set-resources"]
    assert set(given) == GPU_RULES
    assert {key for entry in given.values() for key in entry} <= {"runtime", "mem_mb", "cpus_per_task", "slurm_extra"}
    assert {rule for rule, entry in given.items() if "runtime" not in entry} == set(ON_A_GPU)
    grown = [str(entry[key]) for entry in given.values() for key in ("runtime", "mem_mb") if key in entry]
    assert all(value.endswith(" * attempt") for value in grown)


def test_what_may_share_a_submission_is_warned_alike_before_its_time_is_over():
    assert {SLURM["set-resources"][rule]["slurm_extra"] for rule in ON_A_GPU} == {"'--signal=TERM@120'"}


@pytest.mark.parametrize("name", ["slurm", "gpu-server"])
def test_no_profile_repeats_a_key_of_the_default_one_which_would_win(name):
    default = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())
    assert not set(yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())) & set(default)


def test_retries_are_the_profiles_and_no_rules():
    assert not [name for name, body in RULES.items() if "retries:" in body]


@pytest.mark.parametrize("command", COMMANDS)
def test_snakemake_plans_each_command_that_is_shown_for_clusters(command):
    words = shlex.split(command.replace("profiles/site.yaml", "profiles/site.example.yaml"))[1:]
    call = snakemake(*words, "-n", "--quiet")
    assert call.code == 0, call.text


@pytest.mark.parametrize(("gpus", "count"), [("0,1,2", 3), ("", 1)])
def test_a_gpu_server_runs_as_many_gpu_jobs_as_it_has_gpus(tmp_path, gpus, count):
    (tmp_path / "Snakefile").write_text("rule all:\n    shell: 'true'\n")
    words = ["-s", str(tmp_path / "Snakefile"), "--profile", "profiles/gpu-server", "--workflow-profile", "none", "-c1"]
    environment = os.environ | {"SGID_GPUS": gpus}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert f'Provided resources: gpu=Resource("gpu", {count})' in done.stderr


ONE_RUN = ("results/runs/dtd/vit/backbone/seed-0.json", "results/runs/dtd/vit/re/seed-0.json")


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        (ON_SLURM, 1),
        ((*ON_SLURM, "--config", "submission_minutes=0"), 0),
        ((*ON_SLURM, "--set-resources", "train_classifier:runtime=240"), 0),
        (("--workflow-profile", "none"), 0),
    ],
)
def test_short_jobs_share_a_submission_where_the_profile_has_groups_and_no_time_of_its_own(clean, words, groups):
    text = snakemake(*ONE_RUN, "-n", *words, cwd=clean).text
    assert text.count("Group job short") == groups
    assert ("runtime=" in text) == ("profiles/slurm" in words)


def test_rules_that_go_to_different_partitions_are_planned(clean):
    parts = [f"{rule}:slurm_partition={name}" for rule, name in (("draw_images", "a"), ("train_classifier", "b"))]
    call = snakemake("all", "-n", "--quiet", *ON_SLURM, "--set-resources", *parts, cwd=clean)
    assert call.code == 0, call.text
