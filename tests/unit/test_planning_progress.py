"""What counts as running, failed or interrupted: files left by a build, and processes that live."""

import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode

import pytest

from sgid.builds import Files
from sgid.planning.graph import Graph, Job
from sgid.planning.others import uncounted
from sgid.planning.progress import progress_of, text_of
from sgid.planning.rates import Cost
from sgid.planning.traces import Marker, Traces, blamed_in, markers_in, traces_in

JOBS = [Job("draw_images", "a", ("results/a",)), Job("draw_images", "b", ("results/b",))]
LOG = "logs/draw_images/a.log"
HOLDER = "import sys, time; stream = open(sys.argv[1], 'a'); print('open', flush=True); time.sleep(60)"
TOLD = """[Wed Nov 25 20:17:02 2026]
Error in rule draw_images:
    message: None
    jobid: 0
    output: results/a
    log: logs/draw_images/a.log (check log file(s) for error details)
"""


@pytest.fixture
def here(tmp_path):
    for folder in ("results", "logs/draw_images", ".snakemake/incomplete", ".snakemake/log"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def holder(here):
    """A process that works in the folder and holds the log of a job open, as a job does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(here / LOG)], cwd=here, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def mark(here, output: str) -> None:
    (here / ".snakemake/incomplete" / urlsafe_b64encode(output.encode()).decode()).write_text(
        '{"external_jobid": null}'
    )


def progress(here, traces=None, seconds=100.0, **more):
    graph = Graph.behind([path for job in JOBS for path in job.outputs], {job.outputs[0]: job for job in JOBS}.get)
    known = {"now": time.time(), "gpus": 1} | more
    return progress_of(graph, traces or traces_in(here), lambda job: Cost(seconds, "", None), root=here, **known)


def states(here, traces=None) -> list[str]:
    return [progress(here, traces).state[job] for job in JOBS]


def test_what_is_there_is_done_and_the_rest_to_do(here):
    (here / "results/a").touch()
    assert states(here) == ["done", "to do"]


def test_an_output_that_is_marked_as_unfinished_is_not_done(here):
    (here / "results/a").touch()
    mark(here, "results/a")
    assert states(here)[0] == "interrupted"


def test_a_job_whose_log_a_living_process_holds_is_running_and_a_killed_one_is_not(here, holder):
    mark(here, "results/a")
    assert states(here) == ["running", "to do"]
    holder.kill()
    holder.wait()
    assert states(here) == ["interrupted", "to do"]


def test_a_job_that_a_living_build_began_is_running_elsewhere_and_an_older_one_is_not(here):
    began = {"results/a": Marker(100.0, "4711"), "results/b": Marker(10.0)}
    assert states(here, Traces(began, builds=(50.0,))) == ["running", "interrupted"]


def test_a_job_whose_log_ends_in_an_error_has_failed(here):
    (here / LOG).write_text("Traceback (most recent call last):\nValueError: no\n")
    assert states(here) == ["failed", "to do"]


def test_a_job_that_was_killed_has_failed_by_what_snakemake_says(here):
    (here / LOG).write_text("12:00 sgid: half way\n")
    (here / ".snakemake/log/now.snakemake.log").write_text(TOLD)
    assert states(here) == ["failed", "to do"]


def test_an_old_failure_does_not_count_where_the_job_was_tried_again(here):
    told = here / ".snakemake/log/old.snakemake.log"
    told.write_text(TOLD)
    os.utime(told, (100, 100))
    (here / LOG).write_text("12:00 sgid: half way\n")
    mark(here, "results/a")
    assert states(here) == ["interrupted", "to do"]


def test_the_last_failure_is_named_with_its_log_and_its_last_words(here):
    (here / LOG).write_text("Traceback (most recent call last):\nValueError: a.parquet: is empty; delete it\n")
    text = text_of(progress(here), ["all"], root=here, now=time.time())
    assert f"failed  {LOG}: ValueError: a.parquet: is empty; delete it" in text


def test_the_time_of_running_jobs_that_has_passed_is_not_left(here):
    traces = Traces({"results/a": Marker(1000.0)}, builds=(900.0,))
    found = progress(here, traces, now=1060.0)
    assert found.left[JOBS[0]] == 40
    assert found.wall == 140  # one job at a time, for one is running


def test_a_job_that_begins_while_it_is_asked_for_has_run_no_time(here):
    traces = Traces({"results/a": Marker(1000.0)}, builds=(900.0,))
    assert "running    0.0 min" in text_of(progress(here, traces, now=999.0), ["all"], root=here, now=999.0)


def test_a_build_of_other_data_is_told_with_its_process():
    makes = frozenset({"results/images/birds/sgid/noise-0.5/shard-0-of-2.parquet", "results/runs/dtd/a/b/seed-0.json"})
    (said,) = uncounted({"my-node-42": Files(frozenset(), makes)}, {"dtd"})
    assert "a build of birds (process 42 on my-node)" in said
    assert not list(uncounted({"my-node-42": Files(frozenset(), makes)}, {"dtd", "birds"}))


def test_where_nothing_is_known_of_a_job_no_time_is_told(here):
    text = text_of(progress(here, seconds=None), ["all"], root=here, now=0)
    assert "cannot be told: 2 jobs" in text


def test_where_all_is_done_it_says_so(here):
    for job in JOBS:
        (here / job.outputs[0]).touch()
    assert "Everything is done." in text_of(progress(here), ["all"], root=here, now=0)


def test_a_marker_of_a_long_name_lies_in_parts(tmp_path):
    name = urlsafe_b64encode(b"results/" + 200 * b"x").decode()
    (tmp_path / f"@{name[:254]}").mkdir()
    (tmp_path / f"@{name[:254]}" / name[254:]).write_text('{"external_jobid": "4711"}')
    assert markers_in(tmp_path)["results/" + 200 * "x"].cluster_job == "4711"


def test_a_marker_that_vanishes_or_is_none_is_passed_over(tmp_path):
    (tmp_path / "no base 64 at all").write_text("{}")
    (tmp_path / urlsafe_b64encode(b"half").decode()).write_text("{")
    assert markers_in(tmp_path) == {}


def test_snakemakes_log_names_the_logs_of_what_failed(tmp_path):
    (tmp_path / "log").write_text("rule a:\n    log: logs/a.log\n" + TOLD)
    assert blamed_in(tmp_path / "log") == [LOG]
