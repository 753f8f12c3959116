"""plan, preflight and status as a user calls them; and that the planned jobs are those of Snakemake's own dry run."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from configuration_files import FILES, laid_over, read_config
from snake import DEMO, copy_of_the_repository, snakemake

from sgid.matrix import Matrix
from sgid.planning.build import Build

OVERLAYS = [((), ()), (("demo", "demo_all"), (*DEMO, "config/demo_all.yaml"))]
MORE = {"figure_noise", "figure_classes", "figure_curves", "figure_cost", "selected", "protocol", "filter"}
PLAIN = ("-n", "--workflow-profile", "none")  # the default profile's logger leaves the jobs out
JOB = re.compile(
    r"^(?:local)?rule (\w+):\n(?:    (?!log|output)[^\n]*\n)*?    output: ([^\n]*)\n"
    r"(?:    (?!log)[^\n]*\n)*?    log: ([^\n]*)",
    re.MULTILINE,
)


def dry_run(*words, cwd) -> set[tuple]:
    """Rule, outputs and log of every job."""
    call = snakemake(*words, *PLAIN, cwd=cwd)
    assert call.code == 0, call.text[-3000:]
    return {(rule, frozenset(outputs.split(", ")), log) for rule, outputs, log in JOB.findall(call.text)}


def described(jobs) -> set[tuple]:
    return {(job.rule, frozenset(job.outputs), job.log) for job in jobs}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("planned"))


@pytest.mark.parametrize(("overlays", "words"), OVERLAYS, ids=["paper", "demo"])
def test_the_planned_jobs_are_those_that_snakemake_plans(clone, monkeypatch, overlays, words):
    monkeypatch.chdir(clone)
    config = read_config(*FILES, *overlays)
    names = [*config["build"], *sorted(MORE)]
    assert described(Build(Matrix(config)).graph(names).jobs) == dry_run("all", *sorted(MORE), *words, cwd=clone)


# A folder of the user's own, and two of the recipes that he may export: at three rates, and less what a filter rejects.
OWN = """
datasets:
  mine: {title: Mine, source: folder, folder: mine, split: {test: 0}, validation: 0.1, resolution: 32, stored: null,
         image_size: 32}
recipes:
  half: {generator: img2img, noise: "0.5"}
  kept: {filters: half, filter: {flagged: true, another_class: 0}}
exports: {recipes: [sgid, kept]}
"""


def test_the_jobs_behind_augment_are_planned_as_snakemake_plans_them(clone, monkeypatch):
    monkeypatch.chdir(clone)
    for name in ("a/0.png", "b/0.png"):
        (clone / "mine" / name).parent.mkdir(parents=True)
        (clone / "mine" / name).touch()
    (clone / "own.yaml").write_text(OWN)
    config = laid_over(read_config(*FILES, "demo"), yaml.safe_load(OWN))
    found = dry_run("augment", *DEMO, "own.yaml", cwd=clone)
    assert described(Build(Matrix(config)).graph(["augment"]).jobs) == found
    call = snakemake("plan_augment", *DEMO, "own.yaml", cwd=clone)
    assert call.code == 0, call.text[-3000:]
    assert re.search(r"^draw_images +4 +8 ", call.text, re.MULTILINE), call.text


def test_without_a_folder_of_ones_own_the_plan_of_augment_is_refused_in_one_sentence(clone):
    call = snakemake("plan_augment", "-n", cwd=clone)
    assert call.code == 1
    assert "datasets: none of them is a folder of your own, which alone `augment` draws from" in call.text


LOST = {
    "all": (
        *("images/shapes/sgid/noise-0.3/shard-0-of-2.parquet", "prompts/shapes/sgid.parquet"),
        "tables/table3.md",
    ),
    "filter": ("filter/shapes/sgid_by_both.csv", "filter/shapes/sgid/seed-0.json"),
}


@pytest.mark.parametrize("target", LOST)
def test_what_is_to_be_done_is_what_snakemake_does_again(clone, monkeypatch, target):
    monkeypatch.chdir(clone)
    config = read_config(*FILES, "demo")
    graph = Build(Matrix(config)).graph(config["build"] if target == "all" else [target])
    paths = [clone / path for job in graph.jobs for path in job.outputs]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in LOST[target]:
        (clone / "results" / name).unlink()
    todo = graph.to_do(lambda path: (clone / path).exists())
    found = dry_run(target, *DEMO, "--rerun-triggers", "mtime", cwd=clone)
    for path in paths:
        path.unlink(missing_ok=True)
    assert 10 < len(todo) < len(graph.jobs)
    assert described(todo) == found


def test_the_full_paper_is_planned_in_seconds_with_its_basis_and_nothing_downloaded(clone):
    call = snakemake("plan", "--config", "plan_device=A100", "plan_gpus=4", cwd=clone)
    assert call.code == 0, call.text[-3000:]
    assert call.cpu_seconds < 8
    assert call.megabytes < 400
    assert "on 4 × A100" in call.text
    assert "\ndraw_images " in call.text
    written = json.loads((clone / "results/plan/build.json").read_text())
    rows = {row["rule"]: row for row in written["rows"]}
    assert rows["train_classifier"]["runs"] == 1395
    assert rows["draw_images"]["basis"] == "estimate"
    assert "| draw_images " in (clone / "results/plan/build.md").read_text()
    assert len((clone / "results/plan/build.csv").read_text().splitlines()) == 1 + len(rows)


def test_several_are_planned_at_once_and_again_whenever_asked(clone):
    (clone / "results/plan").mkdir(parents=True, exist_ok=True)
    (clone / "results/plan/table4.md").touch()
    call = snakemake("plan_table4", "plan_figure5", cwd=clone)
    assert call.code == 0, call.text[-3000:]
    assert {"# Plan of table4, on 1 × H200", "# Plan of figure5, on 1 × H200"} <= set(call.text.splitlines())


def test_the_demo_passes_its_preflight(clone):
    call = snakemake("preflight", *DEMO, cwd=clone)
    assert call.code == 0, call.text[-3000:]
    assert "Nothing is missing." in call.text


def test_a_build_that_cannot_run_fails_its_preflight(clone, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (clone / "mine.yaml").write_text(
        "{datasets: {dtd: {archives: {data: {urls: []}}}}, tables: {table4: {datasets: [dtd]}}}"
    )
    call = snakemake("preflight_table4", "--configfile", "mine.yaml", cwd=clone)
    assert call.code == 1
    assert "STOPS  data set dtd: dtd-r1.0.1.tar.gz must come from you" in call.text


def status(clone) -> str:
    call = snakemake("status", *DEMO, cwd=clone)
    assert call.code == 0, call.text[-3000:]
    return call.text


def totals(text: str) -> list[int]:
    """Numbers of the last line of the table: done, running, failed, interrupted, to do; empty cells left out."""
    return [int(each) for each in re.search(r"^total (.*)$", text, re.MULTILINE)[1].split() if each.isdecimal()]


def test_status_tells_a_running_build_from_a_killed_one_and_a_second_build_stays_refused(clone):
    command = [sys.executable, "-m", "snakemake", "all", *DEMO, "--cores", "1", "--quiet", "all"]
    build = subprocess.Popen(command, cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not list((clone / "logs").glob("*/shapes*")) and time.monotonic() < deadline:
            time.sleep(0.2)
        running = status(clone)
        # Ends with a lock of Snakemake's own less (9.27), and with ours in place.
        partial = snakemake("partial_tables", *DEMO, "--cores", "1", cwd=clone)
        second = snakemake("table3", *DEMO, "--cores", "1", cwd=clone)
        assert build.poll() is None
    finally:
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
    assert re.search(r"^running +\d", running, re.MULTILINE)
    assert partial.code == 0, partial.text[-3000:]
    assert second.code == 1
    assert f"another Snakemake (process {build.pid} on " in second.text
    killed = status(clone)
    assert not re.search(r"^running +\d", killed, re.MULTILINE)
    assert sum(totals(killed)) == sum(totals(running)) == 102
    assert "no process of this machine works on it" in killed
