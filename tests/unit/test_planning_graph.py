"""What is to be done of a build, and what that adds up to."""

from dataclasses import replace

import pytest
from configuration_files import read_config
from hypothesis import given, settings
from hypothesis import strategies as st

from sgid.matrix import Matrix
from sgid.planning.build import Build
from sgid.planning.estimates import Device
from sgid.planning.graph import Graph, Job, makespan
from sgid.planning.rates import Rates
from sgid.planning.summary import summarise
from sgid.planning.work import Work

DEVICE = Device.of("H200", read_config("devices")["devices"]["H200"])
NOTHING, ALL = (lambda path: False), (lambda path: True)


@pytest.fixture(scope="module")
def build(paper_config):
    return Build(Matrix(paper_config))


def planned(build, names, *, exists=NOTHING, gpus=1):
    return summarise(build.graph(names), Rates(DEVICE), names=names, gpus=gpus, exists=exists)


def chain(*rules: str) -> list[Job]:
    """Jobs each of which reads what the one before makes."""
    return [Job(rule, rule, (f"{i + 1}",), (f"{i}",) if i else ()) for i, rule in enumerate(rules)]


def graph_of(jobs: list[Job], *targets: str) -> Graph:
    maker = {path: job for job in jobs for path in job.outputs}
    return Graph.behind(targets, maker.get)


NAMES = ["table3", "table4", "figure3", "figure4", "figure5", "protocol"]
SUMS = ("jobs", "seconds", "naive", "stored", "runs")


@settings(max_examples=10, deadline=None)
@given(st.sets(st.sampled_from(NAMES), min_size=1), st.sets(st.sampled_from(NAMES), min_size=1))
def test_a_union_takes_no_more_than_its_parts_and_no_less_than_either(build, one, other):
    parts, whole = [planned(build, sorted(names)) for names in (one, other)], planned(build, sorted(one | other))
    for name in SUMS:
        assert whole.total(name) <= sum(part.total(name) for part in parts) * (1 + 1e-9)
        assert whole.total(name) >= max(part.total(name) for part in parts) * (1 - 1e-9)


def test_what_shares_nothing_adds_up(paper_config):
    config = paper_config | {
        "tables": {
            name: paper_config["tables"]["table3"] | {"datasets": [name], "instead": {}, "backbones": ["resnet50"]}
            for name in ("pets", "dtd")
        },
        "build": ["pets"],
    }
    build = Build(Matrix(config))
    models = planned(build, ["pets"]).rows  # weights are the only thing that both need
    shared = sum(row.stored for row in models if row.rule == "fetch_model")
    whole = planned(build, ["pets", "dtd"])
    for name in ("seconds", "naive", "runs"):
        assert whole.total(name) == pytest.approx(sum(planned(build, [each]).total(name) for each in ("pets", "dtd")))
    both = sum(planned(build, [each]).total("stored") for each in ("pets", "dtd"))
    assert whole.total("stored") == pytest.approx(both - shared)


def test_where_everything_is_there_nothing_is_left_to_pay(build):
    summary = planned(build, ["table1"], exists=ALL)
    assert [summary.total(name) for name in ("seconds", "naive", "stored", "images")] == [0, 0, 0, 0]
    assert summary.total("done") == summary.total("jobs") > 0
    assert (summary.wall, summary.caches, summary.inodes) == (0, 0, 0)


def test_what_is_drawn_already_is_not_paid_again(build):
    whole = planned(build, ["table3"])
    # Weights are there too: fetched anew, they would be a reason to draw again.
    there = lambda path: path.startswith("resources/") or ("/cars/" in path and "results/runs" not in path)  # noqa: E731
    drawn = planned(build, ["table3"], exists=there)
    rows = [{row.rule: row for row in each.rows}["draw_images"] for each in (whole, drawn)]
    assert rows[1].images < rows[0].images
    assert rows[1].done > 0


def test_a_missing_output_makes_what_follows_it_run_and_not_what_it_reads():
    jobs = chain("a", "b", "c")
    graph = graph_of(jobs, "2", "3")
    assert {job.rule for job in graph.to_do({"1", "3"}.__contains__)} == {"b", "c"}


def test_a_file_that_nobody_wants_any_more_is_not_made_again():
    assert graph_of(chain("a", "b"), "2").to_do({"2"}.__contains__) == set()


def test_what_a_waiting_job_reads_is_made_where_it_is_missing():
    graph = graph_of(chain("a", "b", "c"), "3")
    assert {job.rule for job in graph.to_do(NOTHING)} == {"a", "b", "c"}


def test_an_output_of_several_is_enough_to_be_missing():
    job = Job("pair", "pair", ("left", "right"))
    assert graph_of([job], "left", "right").to_do({"left"}.__contains__) == {job}


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 11), max_size=3)), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_a_build_takes_no_less_than_its_longest_chain_nor_than_its_work_shared_out(described, gpus):
    jobs = [
        Job("draw_images", str(i), (f"f{i}",), tuple(f"f{each}" for each in sorted(before) if each < i))
        for i, (_, before) in enumerate(described)
    ]
    graph = graph_of(jobs, *(f"f{i}" for i in range(len(jobs))))
    seconds = {job: described[int(job.part)][0] for job in graph.jobs}
    needs, longest = graph.needs(), {}
    for job in graph.jobs:
        longest[job] = seconds[job] + max((longest[each] for each in needs[job]), default=0)
    wall, whole = makespan(graph.jobs, seconds, needs, gpus), sum(seconds.values())
    assert max(max(longest.values()), whole / gpus) <= wall * (1 + 1e-9)
    assert wall <= whole * (1 + 1e-9)


def test_gpus_share_what_does_not_depend_on_each_other():
    jobs = [Job("draw_images", str(i), (str(i),)) for i in range(4)]
    graph, seconds = graph_of(jobs, *"0123"), dict.fromkeys(jobs, 10.0)
    assert [makespan(graph.jobs, seconds, graph.needs(), gpus) for gpus in (1, 2, 4)] == [40, 20, 10]


def test_jobs_without_a_figure_are_counted_and_not_summed():
    job = Job("draw_images", "x", ("x",), work=Work("drawing", ("sd", "owner/unknown", "512"), 10, 10, images=1))
    graph = graph_of([job], "x")
    summary = summarise(graph, Rates(DEVICE), names=["x"], gpus=1, exists=NOTHING)
    assert (summary.total("seconds"), summary.total("unknown"), summary.total("images")) == (0, 1, 1)
    known = replace(job, work=replace(job.work, key=("sd", "sd-legacy/stable-diffusion-v1-5", "512")))
    assert summarise(graph_of([known], "x"), Rates(DEVICE), names=["x"], gpus=1, exists=NOTHING).total("seconds") > 0
