"""What a change of the configuration makes anew, on the demo's graph with jobs that only touch their outputs."""

import pytest
from larger_builds import copy_that_touches
from snake import DEMO, job_counts, snakemake

TABLE1 = {"collect_runs": 1, "test_significance": 1, "compare_predictions": 1, "render_table": 1}
TABLE3 = {"collect_runs": 1, "test_significance": 1, "render_table": 1}
BOTH = {"collect_runs": 2, "test_significance": 2, "compare_predictions": 1, "render_table": 2}
CHOICE = {"train_candidate": 3, "choose_noise": 1}
MEASURED = {"plot_similarity": 1, "plot_consistency": 1}
PICTURES = {"plot_gallery": 1, "plot_cases": 1} | MEASURED
ANOTHER_SET = """
datasets:
  more: {title: More, source: drawn, classes: 8, train: 64, test: 48, validation: official,
         resolution: 32, stored: null, image_size: 32}
tables: {table3: {datasets: [shapes, more]}}
"""
OF_NO_RESULT = """
training: {checkpoint_minutes: 1, pack_seeds: false}
duplicates: {distance: 4}
exports: {recipes: [text2img]}
human: {table2: {annotators: 5}}
resources_root: /copies
"""

CHANGES = {
    # 7 methods of Table 1 with 3 backbones, and 3 of Table 3
    "seeds: [0, 1, 2, 3]": {"train_classifier": 7 * 3 + 3} | BOTH,
    "backbones: {vit_tiny: {recipe: {epochs: 13}}}": {"train_classifier": 7} | TABLE1,
    "methods: {text2img: {training: {mix: replace}}}": {"train_classifier": 3} | TABLE1,
    # nine recipes are drawn, SGID at three rates, and what has all originals in two shards
    "generation: {batch_size: 16}": {"draw_images": 18, "collect_images": 11, "measure_consistency": 2}
    | {"train_classifier": 3 * 3 + 3} | CHOICE | BOTH | PICTURES,
    # the rate is chosen anew, and the five recipes drawn at it are drawn anew, three of them in two shards
    "recipes: {sgid: {noise: ['0.3', '0.5']}}": {"draw_images": 8, "collect_images": 5, "measure_consistency": 1}
    | {"train_classifier": 2 * 3 + 3, "choose_noise": 1} | BOTH | PICTURES,
    ANOTHER_SET: {"prepare_dataset": 1, "name_classes": 1, "write_captions": 1, "score_captions": 1}
    | {"build_prompts": 4, "draw_images": 6, "collect_images": 6, "train_classifier": 4} | CHOICE | TABLE3,
    "tables: {table1: {title: Three networks}}": {"render_table": 1},
    "backbones: {vit_tiny: {title: Smaller ViT}}": {"render_table": 1},
    "methods: {ra: {title: + RandomAugment}}": {"render_table": 1, "plot_cases": 1} | MEASURED,
    "figures: {gallery: {title: Eight of them}}": {"plot_gallery": 1},
    OF_NO_RESULT: {},
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The demo, built by touching."""
    folder = copy_that_touches(tmp_path_factory.mktemp("touched"))
    call = snakemake("all", *DEMO, "--cores", "4", "--resources", "gpu=4", "--quiet", "all", cwd=folder)
    assert call.code == 0, call.text[-3000:]
    return folder


def rerun(folder, overlay):
    """Jobs by rule that a change would run, but for the target itself."""
    (folder / "overlay.yaml").write_text(overlay)
    call = snakemake("all", "-n", "--quiet", *DEMO, "overlay.yaml", cwd=folder)
    assert call.code == 0, call.text
    return {rule: count for rule, count in job_counts(call.text).items() if rule not in ("all", "total")}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reruns_exactly_what_depends_on_it(built, change):
    assert rerun(built, change) == CHANGES[change]
