"""The size of the graph, in counts and not in seconds: of the full paper, and as the matrix grows."""

import pstats
import subprocess
import sys

import pytest
import yaml
from larger_builds import larger_build
from snake import ROOT, job_counts, snakemake
from submissions import jobs_of, listed, submissions

SLURM = ROOT / "profiles/slurm/config.yaml"
TARGETS = [
    name for kind in ("tables", "figures") for name in yaml.safe_load((ROOT / "config/tables.yaml").read_text())[kind]
]


@pytest.fixture(scope="module")
def text():
    """What a dry run of the full paper prints of each job."""
    return snakemake("all", "-n", "--workflow-profile", "none").text


@pytest.fixture(scope="module")
def jobs(text):
    return jobs_of(text)


def files(jobs, kind):
    """The rule of each job, and how many files of a kind it has."""
    return [(rule, len(listed(body, kind))) for rule, body in jobs]


def test_the_full_paper_is_at_most_2000_jobs_and_10000_files(jobs):
    assert 1000 < len(jobs) <= 2000
    made = sum(count for kind in ("output", "benchmark") for _, count in files(jobs, kind))
    assert 3000 < made <= 10_000


def test_no_job_but_a_collector_has_more_than_30_inputs(jobs):
    collectors = {"collect_runs", "compare_predictions", "plot_overview", "plot_cases", "all", *TARGETS}
    assert not {rule for rule, count in files(jobs, "input") if rule not in collectors and count > 30}


def test_the_full_paper_is_at_most_700_submissions(text):
    sent = submissions(text, yaml.safe_load(SLURM.read_text())["groups"])
    assert sent["train_classifier"] == 279
    assert sent.total() <= 700


def calls_and_jobs(folder, overlay):
    """Calls of Python functions in a dry run of Table 4, all of Snakemake's and ours, and its jobs."""
    (folder / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    words = ["table4", "-n", "--quiet", "--configfile", str(folder / "overlay.yaml")]
    command = [sys.executable, "-m", "cProfile", "-o", str(folder / "profile"), "-m", "snakemake", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return pstats.Stats(str(folder / "profile")).prim_calls, job_counts(done.stdout + done.stderr)["total"]


def test_the_work_of_planning_grows_with_the_jobs_and_no_faster(tmp_path, paper_config):
    (few, small), (more, middle), (many, large) = (
        calls_and_jobs(tmp_path, larger_build(paper_config, times)) for times in (1, 2, 6)
    )
    assert large > 5 * small
    assert (many - more) / (large - middle) < 1.1 * (more - few) / (middle - small)
