"""The size of the graph, in counts and not in seconds: of the full paper, and as the matrix grows."""

import pstats
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest
import yaml
from larger_builds import larger_build
from snake import ROOT, copy_of_the_repository, job_counts, snakemake
from submissions import ON_SLURM, jobs_of, listed, minutes_asked, seconds_lasting, submissions

from sgid.planning.plans import Plan

TARGETS = [
    name for kind in ("tables", "figures") for name in yaml.safe_load((ROOT / "config/tables.yaml").read_text())[kind]
]


@pytest.fixture(scope="module")
def text_for(tmp_path_factory):
    """What a dry run of the full paper, to be built on SLURM from nothing, prints of each job."""
    clean = copy_of_the_repository(tmp_path_factory.mktemp("clean") / "checkout")
    return cache(lambda device: snakemake("all", "-n", *ON_SLURM, "--config", f"plan_device={device}", cwd=clean).text)


@pytest.fixture
def text(text_for):
    return text_for("H200")


@pytest.fixture
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


@pytest.fixture
def sent(text):
    return submissions(text)


def test_the_full_paper_is_at_most_700_submissions_with_all_jobs_that_need_a_gpu(text, sent):
    inside = Counter(rule for jobs in sent for rule, _ in jobs)
    assert inside == Counter(rule for rule, body in jobs_of(text) if " gpu=1" in body)
    assert inside["train_classifier"] == 279
    assert 300 < len(sent) <= 700


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """Where no result says anything of the work that is left."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("empty_folder")
@pytest.mark.parametrize("device", ["H200", "A100"])
def test_no_submission_of_the_full_paper_is_shorter_than_10_minutes(paper_config, text_for, device):
    plan = Plan(paper_config | {"plan_device": device}, paper_config["build"])
    assert min(seconds_lasting(jobs, plan) for jobs in submissions(text_for(device))) >= 10 * 60


def test_a_third_attempt_of_any_submission_fits_into_a_day(sent):
    assert max(map(minutes_asked, sent)) * 3 <= 24 * 60


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
