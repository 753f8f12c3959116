"""Which GPU jobs share a submission: all that are short, none in a circle, and each group long enough."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.matrix import Matrix
from sgid.planning import plans
from sgid.planning.graph import Graph, Job
from sgid.planning.groups import LEAST_START, START_MINUTES, UNKNOWN_MINUTES, grouped
from sgid.planning.plans import Plan, plan_to_build
from sgid.runtime import write_json, write_text

RULES = ("draw_images", "train_classifier", "collect_images")  # the last needs no GPU
AT_LEAST = 600.0


@st.composite
def builds(draw):
    """Jobs that read what some of those before them made, and the seconds of each, None for unknown ones."""
    jobs, seconds = [], {}
    for number in range(draw(st.integers(1, 25))):
        before = draw(st.lists(st.sampled_from(jobs), max_size=3, unique=True)) if jobs else []
        rule, dataset = draw(st.sampled_from(RULES)), draw(st.sampled_from(("pets", "dtd")))
        inputs = tuple(each.outputs[0] for each in before)
        job = Job(rule, f"{dataset}/{number}", (f"file-{number}",), inputs, {"dataset": dataset})
        jobs.append(job)
        seconds[job] = draw(st.one_of(st.none(), st.floats(1, 2000)))
    return Graph(tuple(jobs), ()), seconds


@given(builds())
def test_each_gpu_job_is_in_one_submission(build):
    graph, seconds = build
    inside = [job for group in grouped([graph], seconds.get, AT_LEAST) for job in group]
    assert sorted(job.part for job in inside) == sorted(job.part for job in graph.jobs if job.on_gpu)


@given(builds())
def test_no_submission_waits_for_itself(build):
    graph, seconds = build
    group_of = {job: number for number, group in enumerate(grouped([graph], seconds.get, AT_LEAST)) for job in group}
    node_of = {job: group_of.get(job, job.part) for job in graph.jobs}
    waits = {node: set() for node in node_of.values()}
    for job, before in graph.needs().items():
        waits[node_of[job]] |= {node_of[each] for each in before}
    while free := [node for node, others in waits.items() if not others]:
        waits = {node: others - set(free) for node, others in waits.items() if node not in free}
    assert not waits


@given(builds())
def test_a_short_submission_is_alone_with_all_that_could_have_joined_it(build):
    graph, seconds = build
    groups = grouped([graph], seconds.get, AT_LEAST)
    assert all(len(group) == 1 for group in groups if any(seconds[job] is None for job in group))
    timed = [group for group in groups if None not in map(seconds.get, group)]
    levels = graph_levels(graph)
    at = [levels[group[0]] for group in timed]
    assert all(at.count(levels[group[0]]) == 1 for group in timed if sum(map(seconds.get, group)) < AT_LEAST)


def graph_levels(graph):
    """How many GPU jobs stand before each, counted the plain way."""
    needs = graph.needs()

    def level(job):
        return max((level(each) + each.on_gpu for each in needs[job]), default=0)

    return {job: level(job) for job in graph.jobs}


def job(number: int, rule: str = "train_classifier", dataset: str = "dtd") -> Job:
    return Job(rule, f"{dataset}/{number}", (f"{rule}-{dataset}-{number}",), (), {"dataset": dataset})


def test_neighbours_by_rule_and_data_set_share_a_submission_before_others():
    jobs = [job(1), job(2, dataset="pets"), job(3), job(4, dataset="pets")]
    assert grouped([Graph(tuple(jobs), ())], lambda _: 300.0, AT_LEAST) == [(jobs[0], jobs[2]), (jobs[1], jobs[3])]


def test_what_is_left_of_a_kind_joins_its_last_full_submission():
    jobs = [job(1), job(2), job(3)]
    assert grouped([Graph(tuple(jobs), ())], lambda _: 300.0, AT_LEAST) == [tuple(jobs)]


def test_few_short_jobs_go_with_the_shortest_long_one():
    longest, long, short = job(1), job(2), job(3, "draw_images")
    seconds = {longest: 900.0, long: 700.0, short: 60.0}
    assert grouped([Graph((longest, long, short), ())], seconds.get, AT_LEAST) == [(longest,), (long, short)]


def test_few_short_jobs_join_a_group_of_another_kind_where_there_is_nothing_else():
    jobs = [job(1), job(2), job(3, "draw_images")]
    assert grouped([Graph(tuple(jobs), ())], lambda _: 300.0, AT_LEAST) == [tuple(jobs)]


@pytest.fixture
def plan_for(config, tmp_path, monkeypatch):
    """The paper's build on a device, from a folder without results, with other settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # no driver to be asked
    return lambda device, **settings: Plan(config | {"plan_device": device} | settings, config["build"])


@pytest.fixture
def groups(plan_for):
    return plan_for("H200").groups


def run(backbone: str, method: str = "backbone", dataset: str = "cifar10") -> str:
    return f"results/runs/{dataset}/{backbone}/{method}/seed-0.json"


def test_a_long_job_is_sent_alone_and_short_ones_of_a_data_set_together(groups):
    assert groups.name(run("resnet50")) is None
    assert groups.name(run("vit", dataset="dtd")) == groups.name(run("vit", "re", dataset="dtd")) is not None


def test_without_a_least_time_each_is_sent_alone(plan_for):
    assert plan_for("H200", submission_minutes=0).groups.name(run("vit", dataset="dtd")) is None


def test_short_jobs_that_are_not_in_the_build_share_a_submission_with_those_of_their_table(plan_for):
    groups = plan_for("H200", build=["table4"]).groups
    assert groups.name(run("vit", dataset="dtd")) == groups.name(run("vit", "re", dataset="dtd")) is not None


def test_rules_of_which_a_profile_says_different_things_share_no_submission():
    jobs = [job(1), job(2), job(3, "draw_images")]
    found = grouped([Graph(tuple(jobs), ())], lambda _: 250.0, AT_LEAST, {"draw_images": "slurm_partition=short"})
    assert found == [(jobs[0], jobs[1]), (jobs[2],)]


def test_a_job_of_two_graphs_is_grouped_in_the_first():
    first, both, second = job(1), job(2), job(3)
    graphs = [Graph((first, both), ()), Graph((both, second), ())]
    assert grouped(graphs, lambda _: 300.0, AT_LEAST) == [(first, both), (second,)]


def test_a_file_of_no_build_is_sent_alone_with_its_own_time(groups):
    stray = run("resnet50", "backbone_twice", "pets")
    assert groups.name(stray) is None
    assert groups.minutes(stray, 1) > groups.minutes(run("resnet50", "backbone", "pets"), 1)


def test_more_attempts_get_more_time(groups):
    once, thrice = (groups.minutes(run("resnet50"), attempt) for attempt in (1, 3))
    assert thrice == pytest.approx(3 * once, abs=3)


def test_jobs_of_one_submission_share_its_start_and_each_keeps_enough_to_be_done_alone(groups, plan_for):
    path, apart = run("vit", dataset="dtd"), plan_for("H200", submission_minutes=0).groups
    assert START_MINUTES / 2 - 1 <= apart.minutes(path, 1) - groups.minutes(path, 1) <= START_MINUTES - LEAST_START
    assert min(groups.minutes(path, 1) for group in groups.all for job in group for path in job.outputs) > LEAST_START


def test_where_the_device_is_not_known_the_time_is_that_of_a_slower_one(groups, plan_for):
    anywhere, a100 = plan_for(None).groups, plan_for("A100").groups
    assert anywhere.minutes(run("resnet50"), 1) == a100.minutes(run("resnet50"), 1) > groups.minutes(run("resnet50"), 1)


def test_a_driver_of_the_login_node_says_nothing_of_the_time_that_is_asked_for(plan_for, monkeypatch):
    monkeypatch.setattr(plans, "asked_of_driver", lambda *_, **__: ["NVIDIA H200"])
    asked = plan_for(None).groups.minutes(run("resnet50"), 1)
    assert asked == plan_for("A100").groups.minutes(run("resnet50"), 1)


def test_finished_jobs_that_took_their_runs_from_what_is_kept_shorten_no_time(groups, plan_for):
    for method in ("re", "cutmix", "moex"):
        write_json({"provenance": {"device": "NVIDIA H200"}}, run("resnet50", method))
        write_text("s\n25\n", f"results/benchmarks/train_classifier/cifar10/resnet50/{method}/seeds.tsv")
    again = plan_for("H200")
    assert again.rates.cost(again.build.producer(run("resnet50")).work).seconds == pytest.approx(25, rel=0.1)
    assert again.groups.minutes(run("resnet50"), 1) == groups.minutes(run("resnet50"), 1)


def test_a_job_of_which_nothing_is_known_goes_alone_for_eight_hours(config, plan_for):
    config["backbones"]["resnet50"]["name"] = "of_my_own"
    unknown = plan_for("H200").groups
    assert unknown.name(run("resnet50", dataset="flowers102")) is None
    assert unknown.minutes(run("resnet50"), 2) == 2 * UNKNOWN_MINUTES


def test_a_plan_says_how_many_submissions_are_left_and_how_long_the_longest_is(plan_for):
    plan = plan_for("H200")
    jobs = {group: [job for job in group if job in plan.waiting] for group in plan.groups.all}
    sent = [sum(plan.groups.minutes(job.outputs[0], 1) for job in group) for group in jobs.values() if group]
    count = f"Submissions to a cluster (docs/cluster.md): {len(sent)}"
    assert f"{count}; the longest asks for {max(sent) / 60:.1f} h." in plan.notes
    assert "(docs/cluster.md): 1; " in plan.groups.sentence({plan.groups.all[0][0]})
    assert plan.groups.sentence(set()) is None


def test_a_build_with_a_rule_that_planning_does_not_know_is_sent_job_by_job(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Matrix, "targets", lambda *_: ["results/of_my_own/file.json"])
    groups = plan_to_build(config | {"plan_device": "H200"}, []).groups
    assert groups.name("results/of_my_own/file.json") is None
    assert groups.minutes("results/of_my_own/file.json", 1) == UNKNOWN_MINUTES
    assert groups.minutes(run("resnet50"), 1) < UNKNOWN_MINUTES


def test_a_build_is_planned_beside_damaged_results_by_the_noise_rates_that_were_chosen(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = "results/images/cifar10/sgid_beam/noise-chosen/shard-0-of-5.parquet"
    before = plan_to_build(config | {"plan_device": "H200"}, []).groups.minutes(drawn, 1)
    write_json({"chosen": {"noise_rate": 0.7}}, "results/selection/cifar10/sgid.json")
    for path in ("results/prompts/cifar10/sgid_beam.parquet", drawn):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"")
    write_text("s\n9\n", "results/benchmarks/draw_images/cifar10/sgid_beam/noise-chosen/shard-0-of-5.tsv")
    assert plan_to_build(config | {"plan_device": "H200"}, []).groups.minutes(drawn, 1) > before
