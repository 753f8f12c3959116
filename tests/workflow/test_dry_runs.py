"""What Snakemake plans from the configuration alone: how much, how fast, and what it refuses."""

import re

import pytest
import yaml
from snake import DEMO, ROOT, job_counts, snakemake

from sgid.matrix import Matrix
from sgid.page_paths import ImagePages

FULL_PAPER = {
    # Table 1, and what Tables 3 and 4 add to it and share with each other; five seeds a job
    "train_classifier": (1260 + 70 + 75 - 10) // 5,
    "train_candidate": 7 * 3 * 3,
    "choose_noise": 7 * 3,
    "prepare_dataset": 7,
    "fetch_dataset": 7,
    "name_classes": 7,
    "write_sentences": 7,
    "collect_runs": 4,
    "render_table": 3,
}
TARGETS = [
    name for kind in ("tables", "figures") for name in yaml.safe_load((ROOT / "config/tables.yaml").read_text())[kind]
]


@pytest.fixture(scope="module")
def full_paper():
    return snakemake("all", "-n", "--quiet")


def test_the_full_paper_is_planned_from_configuration_alone(full_paper):
    assert full_paper.code == 0, full_paper.text
    counts = job_counts(full_paper.text)
    assert {rule: counts[rule] for rule in FULL_PAPER} == FULL_PAPER


def test_the_full_paper_is_planned_within_12_seconds_and_300_megabytes(full_paper):
    # Processor time, so that a busy machine does not decide.
    assert full_paper.cpu_seconds < 12
    assert full_paper.megabytes < 300


@pytest.mark.parametrize(("packed", "jobs"), [(True, 252), (False, 1260)])
def test_table_1_is_1260_runs_beside_the_selection_runs(tmp_path, packed, jobs):
    (tmp_path / "overlay.yaml").write_text(f"training: {{pack_seeds: {packed}}}")
    call = snakemake("table1", "-n", "--quiet", "--configfile", str(tmp_path / "overlay.yaml"))
    counts = job_counts(call.text)
    assert (counts["train_classifier"], counts["train_candidate"]) == (jobs, 63)


def test_one_table_is_planned_within_5_seconds():
    call = snakemake("table4", "-n", "--quiet")
    assert call.code == 0, call.text
    assert call.cpu_seconds < 5


@pytest.mark.parametrize("target", TARGETS)
def test_every_table_and_figure_is_a_target(target):
    call = snakemake(target, "-n", "--quiet")
    assert call.code == 0, call.text


@pytest.mark.parametrize(
    "target",
    [
        *("datasets", "dataset_cars", "models", "paper_tables", "paper_figures", "install_miniature"),
        *("captions_report", "image_pages", "export_images", "filter_report"),
        *("annotation_kit", "simulated_ratings", "site"),
    ],
)
def test_every_other_named_target_can_be_planned(target):
    call = snakemake(target, "-n", "--quiet", "--forceall")
    assert call.code == 0, call.text


def test_the_captions_report_plans_a_page_a_data_set_and_nothing_drawn():
    counts = job_counts(snakemake("captions_report", "-n", "--quiet").text)
    assert counts["report_captions"] == counts["build_prompts"] == 7
    assert not {"draw_images", "train_classifier", "list_captions"} & counts.keys()


@pytest.mark.parametrize("figure", ["noise", "classes", "curves", "cost"])
def test_the_demo_has_every_figure_of_choices_and_runs(figure):
    counts = job_counts(snakemake(f"figure_{figure}", "-n", "--quiet", "--forceall", *DEMO).text)
    assert counts[f"plot_{figure}"] == 1
    assert counts.get("train_classifier", 0) == {"noise": 0, "classes": 3, "curves": 5, "cost": 6}[figure]
    assert counts["train_candidate"] == 3


def test_no_benchmark_is_asked_for_by_the_figure_of_costs():
    text = snakemake("figure_cost", "-n", "--workflow-profile", "none").text
    inputs = re.search(r"^rule plot_cost:\n    input: (.*)$", text, flags=re.MULTILINE)[1]
    assert "results/tables/figure_cost.runs.csv" in inputs
    assert "benchmarks" not in inputs


def test_a_figure_is_measured_by_the_encoder_that_it_names(tmp_path):
    (tmp_path / "dino.yaml").write_text(
        "models: {dino: {id: timm/dino, revision: abc, library: timm}}\nfigures: {figure3: {encoder: dino}}\n"
    )
    call = snakemake("figure3", "-n", "--workflow-profile", "none", "--configfile", str(tmp_path / "dino.yaml"))
    inputs = re.findall(r"^rule measure_consistency:\n    input: (.*)$", call.text, flags=re.MULTILINE)
    assert len(inputs) == 7
    assert all("resources/models/dino/model.json" in files and "/clip/" not in files for files in inputs)


def test_pages_of_pictures_train_only_what_chooses_a_noise_rate(demo_config):
    counts = job_counts(snakemake("image_pages", "-n", "--quiet", "--forceall", *DEMO).text)
    assert (counts["show_images"], counts["index_pages"]) == (len(ImagePages(Matrix(demo_config)).drawn()), 1)
    assert not {"train_classifier", "render_table"} & counts.keys()


def test_the_site_adds_pages_and_copies_to_what_is_built_and_nothing_else():
    built = job_counts(snakemake("all", "-n", "--quiet", "--forceall", *DEMO).text)
    site = job_counts(snakemake("site", "-n", "--quiet", "--forceall", *DEMO).text)
    assert (site["show_table"], site["index_site"]) == (built["render_table"], 1)
    assert {rule: count for rule, count in site.items() if built.get(rule) != count}.keys() <= {
        "show_table", "show_pictures", "index_site", "copy_figure", "site", "total"
    }  # fmt: skip


def test_a_partial_site_trains_and_draws_nothing():
    counts = job_counts(snakemake("partial_site", "-n", "--quiet", "--forceall", *DEMO).text)
    counts.pop("show_pictures", None)  # only where something is drawn already
    assert counts.keys() == {
        "collect_partial_runs", "test_significance", "render_table", "show_table", "index_site", "partial_site", "total"
    }  # fmt: skip


def test_exports_draw_the_recipes_to_export_and_train_nothing():
    counts = job_counts(snakemake("export_images", "-n", "--quiet", "--forceall", *DEMO).text)
    assert counts["export_imagefolder"] == counts["export_parquet"] == counts["collect_images"] == 3
    assert not {"train_classifier", "train_candidate", "write_sentences"} & counts.keys()


def test_the_kit_draws_what_is_rated_and_trains_only_what_chooses_a_noise_rate():
    counts = job_counts(snakemake("annotation_kit", "-n", "--quiet", "--forceall").text)
    assert (counts["sample_items"], counts["write_annotation_page"]) == (3, 3 * 3)
    assert counts["train_candidate"] == 3 * 2 * 3
    assert not {"train_classifier", "simulate_sheet", "render_ratings"} & counts.keys()


def test_table_2_without_a_sheet_says_what_to_do():
    call = snakemake("table2", "-n")
    assert call.code == 1
    assert "human.table2.sheets: no sheet (*.csv) in resources/human/table2; make the pages with" in call.text


def test_table_2_is_planned_from_the_sheets_that_are_there(tmp_path):
    (tmp_path / "ada.csv").touch()
    (tmp_path / "overlay.yaml").write_text(f"human: {{table2: {{sheets: {tmp_path}}}}}")
    call = snakemake("table2", "-n", "--forceall", "--quiet", "--configfile", str(tmp_path / "overlay.yaml"))
    assert call.code == 0, call.text
    counts = job_counts(call.text)
    assert (counts["collect_ratings"], counts["render_ratings"], counts["sample_items"]) == (1, 1, 3)
    assert "train_classifier" not in counts


def test_the_demos_table_2_simulates_its_sheets():
    counts = job_counts(snakemake("table2", "-n", "--quiet", "--forceall", *DEMO).text)
    assert (counts["simulate_sheet"], counts["render_ratings"]) == (3, 1)
    assert "table2" not in snakemake("all", "-n", "--forceall", *DEMO).text


def test_one_set_is_exported_by_its_path():
    path = "results/exports/pets/text2img/noise-1.0/data.parquet"
    call = snakemake(path, "-n", "--quiet")
    assert call.code == 0, call.text
    assert job_counts(call.text)["export_parquet"] == 1


def test_a_table_plans_only_what_it_needs():
    planned = snakemake("table4", "-n", "--quiet").text
    counts = job_counts(planned)
    assert counts["train_classifier"] == 90 // 5
    assert counts["prepare_dataset"] == 3
    assert "write_sentences" not in counts


def test_a_choice_among_recipes_trains_their_candidates_once():
    counts = job_counts(snakemake("selected", "-n", "--quiet", "--forceall", *DEMO).text)
    assert (counts["choose_recipe"], counts["choose_noise"]) == (1, 1)
    assert (counts["train_candidate"], counts["train_classifier"]) == (3 + 1 + 1, 3)  # seeds are packed


REFUSALS = {
    "datasets: {pets: {source: cars}}": "datasets.pets.archives: 'images' is not defined (have: train, test, devkit,",
    "datasets: {dtd: {split: partition-11}}": "datasets.dtd.split: 'partition-11' is not defined (did you mean",
    "datasets: {caltech101: {split: official}}": "datasets.caltech101.split: 'official' is not defined (have: thirty,",
    "datasets: {dtd: {split: {test: 0.2}}}": "datasets.dtd.split: only a folder is split by shares",
    "datasets: {pets: {archives: {image: {file: x}}}}": "datasets.pets.archives: 'image' is not defined (did you mean",
    "datasets: {pets: {archives: {images: {sha256: abc}}}}": "datasets.pets.archives.images.sha256: 'abc' does not",
    "datasets: {mine: {title: M, source: folder, folder: no/such, split: given, validation: 0.1, resolution: 512, "
    "stored: null, image_size: 224}}": "datasets.mine: no/such: there is no such folder; correct `folder`",
    "recipes: {sgid: {nosie: '0.3'}}": "recipes.sgid.nosie: no such key (did you mean 'noise'?",
    "recipes: {sgid: {noise: ['0.3', '1.5']}}": "recipes.sgid.noise: '1.5' is not a noise rate; it must lie in (0, 1]",
    "recipes: {sgid: {noise: '0'}}": "recipes.sgid.noise: '0' is not a noise rate",
    "captions_report: {recipe: sgid_dc}": "captions_report.recipe: 'sgid_dc' has no captions of the originals by BLIP",
    "exports: {recipes: [sgdi]}": "exports.recipes: 'sgdi' is not defined (did you mean 'sgid'?",
    "human: {table2: {rows: [backbone]}}": "human.table2.rows: 'backbone' leaves the originals as they are",
    "human: {table2: {check: {same: 1}}}": "human.table2.check: no such key (did you mean 'checks'?",
    "build: [tabel1]": "build: 'tabel1' is not defined (did you mean 'table1'?",
    "tables: {table1: {groups: {single: [sgidd]}}}": "tables.table1.groups.single: 'sgidd' is not defined (did you",
    "training: {mxi: append}": "training.mxi: no such key (did you mean 'mix'?",
    "methods: {sgid: {training: {budgte: steps}}}": "methods.sgid.training.budgte: no such key (did you mean 'budget'?",
    "training: {exclude: [no/such.csv]}": "training.exclude: no/such.csv: there is no such file; save a reject list",
    "methods: {ra: {training: {mix: synthetic}}}": "methods.ra.training.mix: the method draws no images, so this",
    "selction: {seeds: [0]}": "selction: no such key (did you mean 'selection'?",
}


@pytest.mark.parametrize("overlay", REFUSALS)
def test_bad_configuration_is_refused_before_the_first_job(tmp_path, overlay):
    (tmp_path / "overlay.yaml").write_text(overlay)
    call = snakemake("all", "-n", "--configfile", str(tmp_path / "overlay.yaml"))
    assert call.code == 1
    assert REFUSALS[overlay] in call.text


def test_a_run_that_the_build_does_not_name_is_asked_for_no_more_replicates_than_its_recipe_draws(tmp_path):
    (tmp_path / "overlay.yaml").write_text("{build: [figure5], training: {per_original: 2}}")
    target = "results/runs/pets/resnet50/sgid/seed-0.json"
    call = snakemake(target, "-n", "--configfile", str(tmp_path / "overlay.yaml"))
    assert call.code == 1
    assert "training.per_original: 2 is more than the replicates of recipes.sgid (1); lower it" in call.text


def test_the_demo_is_planned_without_real_data_sets_or_downloads():
    counts = job_counts(snakemake("all", "-n", "--quiet", "--forceall", *DEMO).text)
    assert counts["prepare_dataset"] == 1
    assert not {"fetch_dataset", "fetch_model", "train_miniature"} & counts.keys()


def test_the_table_of_protocols_plans_its_methods_and_one_choice_of_noise_a_data_set():
    counts = job_counts(snakemake("protocol", "-n", "--quiet").text)
    assert (counts["train_classifier"], counts["choose_noise"]) == (8 * 3, 3)


def test_the_demo_has_a_miniature_of_the_table_of_protocols():
    call = snakemake("protocol", "-n", "--quiet", "--forceall", *DEMO)
    counts = job_counts(call.text)
    assert counts["train_classifier"] == 8
    assert not {"fetch_dataset", "fetch_model", "train_miniature"} & counts.keys()


def test_the_demo_has_a_miniature_of_the_table_of_filters_that_scores_once_for_all_of_them():
    counts = job_counts(snakemake("filter", "-n", "--quiet", "--forceall", *DEMO).text)
    assert (counts["score_images"], counts["judge_images"]) == (1, 1)
    assert (counts["reject_images"], counts["reject_by_chance"], counts["filter_images"]) == (3, 2, 5)
    assert (counts["collect_images"], counts["train_classifier"], counts["report_rejects"]) == (3, 7, 5)


@pytest.mark.parametrize(("noise", "code"), [("chosen", 0), ("0.3", 1)])
def test_the_set_of_a_filter_has_no_path_but_that_of_its_noise_rate(noise, code):
    done = snakemake(f"results/images/shapes/sgid_by_clip/noise-{noise}.json", "-n", "--quiet", *DEMO)
    assert (done.code, "MissingRuleException" in done.text) == (code, bool(code))


def test_a_filter_of_ones_own_set_is_exported_by_its_path_and_asks_no_classifier(tmp_path):
    (tmp_path / "kept.yaml").write_text("recipes: {kept: {filters: text2img, filter: {another_class: 0}}}")
    path = "results/exports/pets/kept/noise-1.0/data.parquet"
    counts = job_counts(snakemake(path, "-n", "--quiet", "--configfile", str(tmp_path / "kept.yaml")).text)
    assert (counts["score_images"], counts["filter_images"], counts["export_parquet"]) == (1, 1, 1)
    assert not {"judge_images", "train_candidate"} & counts.keys()


def test_the_demo_can_be_planned_with_all_twelve_methods():
    call = snakemake("all", "-n", "--quiet", "--forceall", *DEMO, "config/demo_all.yaml")
    counts = job_counts(call.text)
    assert counts["train_classifier"] == 12 * 3 + 3  # Table 1, and what Table 3 adds to it
    assert not {"fetch_dataset", "fetch_model", "train_miniature"} & counts.keys()
