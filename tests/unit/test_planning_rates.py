"""How much work a job is, and by which figure its seconds are told."""

import json

import pytest
from configuration_files import read_config

from sgid.matrix import Matrix
from sgid.planning.amounts import SENTENCES_AT_ONCE, Amounts, Found
from sgid.planning.build import Build
from sgid.planning.estimates import CEILING, START, T5_WAIT, UNET_GOAL, Device
from sgid.planning.graph import Job
from sgid.planning.rates import Rates, benchmark_seconds, measured_rates, own_rates
from sgid.planning.work import EVALUATION, Epochs, Work, draw_units, evaluations_of_schedule
from sgid.sentences import BATCH

H200 = Device("H200", CEILING, 54.5)
DRAWING = Work(
    "drawing", ("stable_diffusion", "stable-diffusion-v1-5/stable-diffusion-v1-5", "512"), 1000, 26, images=1
)


@pytest.fixture(scope="module")
def amounts(paper_config):
    return Amounts(Matrix(paper_config))


@pytest.mark.parametrize(
    ("noise", "whole", "calls"), [(0.3, False, 16), (0.5, False, 26), (0.7, False, 36), (1, True, 51)]
)
def test_pndm_evaluates_the_unet_once_more_than_it_steps(noise, whole, calls):
    assert evaluations_of_schedule(50, noise, whole=whole, scheduler="pndm") == calls


def test_an_evaluation_is_counted_at_512_pixels_and_is_a_ninth_of_two_at_256():
    assert pytest.approx(803.3, abs=0.05) == EVALUATION
    one = draw_units(1, guided=0, edits=False, encodes=False, resolution=256)
    decoded = draw_units(0, guided=0, edits=False, encodes=False, resolution=256)
    assert (one - decoded) * EVALUATION == pytest.approx(180.1, abs=0.3)


def test_guidance_doubles_the_unets_work_and_an_edit_trebles_it(amounts):
    def calls(recipe, noise):
        work = amounts.drawing("pets", recipe, noise, 0)
        return work.units / work.images

    without, guided = calls("sgid_no_prompt", "chosen"), calls("sgid_label", "chosen")
    assert guided - without == pytest.approx(26)
    edit = draw_units(0, guided=0, edits=False, encodes=True, resolution=512)
    assert calls("sgid_ip", "1.0") - edit == pytest.approx(150)


def test_prompts_and_choices_that_are_there_count_instead_of_assumptions(paper_config):
    matrix = Matrix(paper_config)
    known = Amounts(matrix, Found(rate=lambda *names: 0.7, guided=lambda *names: 0.25))
    assumed, found = (each.drawing("pets", "sgid_label", "chosen", 0) for each in (Amounts(matrix), known))
    assert found.naive / assumed.naive == pytest.approx(36 / 26)
    assert found.units / found.images == pytest.approx(
        36 * 1.25 + draw_units(0, guided=0, edits=False, encodes=True, resolution=512)
    )


def test_the_shards_of_a_set_add_up_to_its_pictures(amounts):
    shards = amounts.matrix.shards("cifar10")
    assert sum(amounts.drawing("cifar10", "sgid", "0.5", i).images for i in range(shards)) == 50_000


def test_sentences_wait_for_python_on_any_gpu_and_are_drawn_64_at_a_time(amounts):
    work = amounts.sentences("pets")
    assert (work.units, work.captions) == (37 * 4 * 20, 37 * 200)
    assert SENTENCES_AT_ONCE == BATCH
    costs = [Rates(device).cost(work) for device in (H200, Device("half", CEILING / 2))]
    assert costs[0].basis == "estimate"
    assert work.units * T5_WAIT < costs[0].seconds - START < costs[1].seconds - START < 2 * work.units * T5_WAIT


def test_a_filter_costs_a_look_at_each_picture_and_one_training_on_the_originals(amounts):
    looked, judged = amounts.comparing("pets", "sgid"), amounts.judging("pets", "sgid")
    pictures = amounts.images("pets", "sgid")
    assert (looked.units, judged.runs) == (2 * pictures, 1)
    plain = amounts.training("pets", "resnet50", None, recipe=None, runs=1)
    assert (judged.units - plain.units) * 3 == pytest.approx(pictures)
    assert judged.held > plain.held


def test_equal_steps_cost_what_the_plain_backbone_does(amounts):
    works = {
        name: amounts.training("pets", "resnet50", name, recipe="sgid" if name.startswith("sgid") else None, runs=5)
        for name in ("backbone", "sgid", "sgid_equal_steps", "sgid_replace", "backbone_twice")
    }
    passed = {name: work.images for name, work in works.items()}
    assert passed["sgid_equal_steps"] == passed["backbone"] == passed["sgid_replace"]
    assert passed["sgid"] == passed["backbone_twice"] == 2 * passed["backbone"]


def test_a_frozen_encoder_that_sees_the_same_pixels_is_run_once(amounts):
    once, augmented = (amounts.training("pets", "clip_vit", name, recipe=None, runs=5) for name in ("backbone", "ra"))
    assert (once.key[-1], augmented.key[-1]) == ("cached", "head")
    assert once.units < augmented.units / 40


def test_epochs_are_those_of_the_mix():
    counted = Epochs(originals=10, generated=20, measured=5, epochs=3)
    assert [counted.pictures({"mix": mix}) for mix in ("append", "replace", "synthetic")] == [90, 30, 60]


def test_the_goal_on_an_h200_is_400_evaluations_a_second():
    assert Rates(H200).cost(DRAWING).seconds == pytest.approx(START + 1000 / UNET_GOAL)


def test_another_device_takes_as_much_longer_as_its_peak_is_lower():
    entries = read_config("devices")["devices"]
    seconds = {name: Rates(Device.of(name, entries[name])).cost(DRAWING).seconds - START for name in entries}
    assert seconds["H100"] == pytest.approx(seconds["H200"])
    assert seconds["A100"] / seconds["H200"] == pytest.approx(989 / 312)


def test_the_documented_loop_is_counted_a_step_at_a_time():
    assert Rates(H200).cost(DRAWING).naive == pytest.approx(26 / 54.5 + 0.15)
    assert Rates(Device("CPU", 0.2)).cost(DRAWING).naive is None


def test_what_the_drawn_world_takes_is_estimated_by_nothing(demo_config):
    jobs = [job for job in Build(Matrix(demo_config)).graph(demo_config["build"]).jobs if job.on_gpu]
    assert {Rates(H200).cost(job.work).basis for job in jobs} == {"none"}


def finished(count: int) -> list[Job]:
    return [Job("draw_images", f"{i}", (f"{i}",), work=DRAWING) for i in range(count)]


def test_finished_jobs_count_before_any_estimate_and_a_resumed_one_does_not_spoil_them(tmp_path):
    for i, seconds in enumerate(("500.0", "520.0", "1.0")):
        (tmp_path / f"{i}.tsv").write_text(f"s\th:m:s\n{seconds}\t0:08:20\n")
    rates = own_rates(finished(4), lambda path: benchmark_seconds(str(tmp_path / path.split("/")[-1])))
    cost = Rates(H200, rates).cost(DRAWING)
    assert cost.seconds == pytest.approx(500)
    assert cost.basis == "your jobs"


def test_a_benchmark_of_the_device_counts_before_the_estimate_and_of_another_does_not(tmp_path):
    report = {
        "device": "NVIDIA H200",
        "unet": [
            {"rung": "32 pictures, float16", "evaluations_a_second": 250.0},
            {"rung": "32 pictures, float16, channels last, compiled", "evaluations_a_second": 350.0},
        ],
    }
    (tmp_path / "generation-ladder-true.json").write_text(json.dumps(report))
    assert Rates(H200, measured=measured_rates(tmp_path, ["A100"])).cost(DRAWING).basis == "estimate"
    cost = Rates(H200, measured=measured_rates(tmp_path, ["H200"])).cost(DRAWING)
    assert cost.seconds == pytest.approx(START + 1000 / 250)
    assert cost.basis == "measured (generation-ladder-true.json)"


def test_tiny_sizes_say_nothing_of_a_gpu(tmp_path):
    tiny = {"device": "NVIDIA H200", "unet": [{"rung": "1", "evaluations_a_second": 9e9}]}
    (tmp_path / "generation-ladder-tiny.json").write_text(json.dumps(tiny))
    assert measured_rates(tmp_path, ["H200"]) == {}
