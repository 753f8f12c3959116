import re
from collections import Counter

import pytest

from sgid.matrix import Matrix, Run
from sgid.model_needs import models_needed
from sgid.references import ConfigError

RATES = ["0.3", "0.5", "0.7"]
# results/README.md, with every wildcard as rules/common.smk constrains it.
NAME, NOISE, SHARD = r"[a-z0-9_]+", r"(chosen|[01]\.\d+)", r"shard-\d+-of-\d+\.parquet"
GRAMMAR = re.compile(
    rf"results/(tables/{NAME}(\.tests|\.predictions)?\.(csv|md|tex|html)|figures/{NAME}\.(pdf|png)"
    rf"|runs/{NAME}/{NAME}/{NAME}/seed-\d+\.json"
    rf"|images/{NAME}/{NAME}/noise-{NOISE}(\.json|/{SHARD})"
    rf"|(captions|similarity)/{NAME}/{NAME}/{NAME}/{SHARD}"
    rf"|selection/{NAME}/({NAME}(\.json|/noise-{NOISE}/seed-\d+\.json)|methods/{NAME}\.json))"
)


@pytest.fixture
def matrix(config):
    return Matrix(config)


@pytest.fixture
def demo(demo_config):
    return Matrix(demo_config)


def cell(matrix, table, **wanted):
    return [each for each in matrix.cells(table) if wanted.items() <= each.items()]


def shared(matrix, one, other):
    return {(run.dataset, run.method) for run in set(matrix.runs([one])) & set(matrix.runs([other]))}


@pytest.mark.parametrize(("table", "count"), [("table1", 1260), ("table3", 80), ("table4", 90)])
def test_a_table_has_the_papers_number_of_runs(matrix, table, count):
    assert len(matrix.runs([table])) == count


def test_tables_3_and_4_share_the_three_cells_of_the_complete_prompt(matrix):
    cells = {("cifar100", "sgid"), ("pets", "sgid_beam_unweighted"), ("dtd", "sgid_filter")}
    assert shared(matrix, "table3", "table4") == cells


def test_tables_1_and_3_share_cifar100_and_the_label_only_cars(matrix):
    assert shared(matrix, "table1", "table3") == {("cifar100", "sgid"), ("cars", "sgid_label")}


def test_tables_1_and_4_share_the_nucleus_captions(matrix):
    assert shared(matrix, "table1", "table4") == {("cifar100", "sgid"), ("pets", "sgid"), ("dtd", "sgid")}


def test_the_table_of_protocols_shares_its_backbone_and_the_papers_rows_with_table_1(matrix):
    assert len(matrix.runs(["protocol"])) == 8 * 3 * 5
    rows = {method for _, method in shared(matrix, "table1", "protocol")}
    assert rows == {"backbone", "sgid", "sgid_ra"}


def test_the_table_of_protocols_draws_no_image_of_its_own(matrix):
    assert set(matrix.drawn("protocol")) <= set(matrix.drawn("table1"))


def test_all_three_tables_together_count_every_shared_run_once(matrix):
    assert len(matrix.runs(["table1", "table3", "table4"])) == 1260 + 80 + 90 - 15 - 10 - 15 + 5


def test_cars_in_the_row_of_sgid_is_the_label_only_method(matrix):
    (found, *_) = cell(matrix, "table1", dataset="cars", row="sgid")
    assert found["method"] == "sgid_label"


def test_other_data_sets_in_the_row_of_sgid_are_sgid(matrix):
    rows = [each for each in cell(matrix, "table1", row="sgid") if each["dataset"] != "cars"]
    assert {each["method"] for each in rows} == {"sgid"}


def test_a_column_without_prompt_weighting_holds_the_unweighted_methods(matrix):
    methods = [each["method"] for each in cell(matrix, "table4", dataset="pets", variant="w/o PW")]
    assert methods == ["sgid_beam_unweighted", "sgid_unweighted", "sgid_filter_unweighted"]


def test_cells_come_in_display_order(matrix):
    rows = [each["row"] for each in cell(matrix, "table1", backbone="vit", dataset="dtd")]
    assert rows[0] == "backbone"
    assert rows[-1] == "text2img_sgid"
    assert len(rows) == 12


def test_every_cell_knows_its_group(matrix):
    (found, *_) = cell(matrix, "table1", row="sgid_ra")
    assert found["group"] == "integrated"


def test_a_figure_without_backbones_trains_nothing(matrix):
    assert matrix.runs(["figure3"]) == []


def test_a_figure_with_backbones_trains_its_rows(matrix):
    assert len(matrix.runs(["figure1"])) == 4 * 6 * 5


def test_figure_1_asks_for_no_run_that_table_1_has_not(matrix):
    assert set(matrix.runs(["figure1"])) <= set(matrix.runs(["table1"]))


def test_a_run_path_says_what_the_run_is():
    assert Run("pets", "vit", "sgid", 3).path == "results/runs/pets/vit/sgid/seed-3.json"


def test_every_run_has_a_path_of_its_own(matrix):
    counts = Counter(run.path for run in matrix.runs(matrix.names))
    assert set(counts.values()) == {1}


def test_a_recipe_with_a_list_is_drawn_at_each_rate(matrix):
    assert matrix.noise_rates("sgid") == RATES


def test_a_recipe_with_one_rate_is_drawn_at_it(matrix):
    assert matrix.noise_rates("text2img") == ["1.0"]


def test_a_recipe_as_another_is_drawn_at_the_chosen_rate(matrix):
    assert matrix.noise_rates("sgid_label") == ["chosen"]


def test_the_chosen_rate_of_a_recipe_comes_from_the_selection_of_the_other(matrix):
    assert matrix.choice_for("cars", "sgid_label") == ["results/selection/cars/sgid.json"]


def test_a_recipe_with_rates_of_its_own_is_drawn_without_a_selection(matrix):
    assert matrix.choice_for("cars", "sgid") == []


def test_training_chooses_only_among_several_sets(matrix):
    assert [matrix.choice_among("cars", each) for each in ("sgid_label", "text2img", None)] == [[], [], []]


def test_training_with_several_sets_waits_for_the_selection(matrix):
    assert matrix.choice_among("cars", "sgid") == ["results/selection/cars/sgid.json"]


def test_candidates_are_every_rate_under_every_seed_of_the_selection(demo_config):
    demo_config["selection"]["seeds"] = [0, 1]
    found = Matrix(demo_config).candidates("shapes", "sgid")
    assert len(found) == 3 * 2
    assert found[0] == "results/selection/shapes/sgid/noise-0.3/seed-0.json"


@pytest.mark.parametrize(("dataset", "count"), [("cifar100", 5), ("cifar10", 5), ("cars", 1), ("flowers102", 1)])
def test_a_shard_holds_one_chunk_of_images(matrix, dataset, count):
    assert matrix.shards(dataset) == count


@pytest.mark.parametrize(("chunk", "count"), [(10_000, 5), (8_192, 7)])
def test_a_rest_of_the_images_is_a_shard_and_no_rest_is_none(config, chunk, count):
    assert Matrix(config | {"chunk": chunk}).shards("cifar10") == count


def test_a_recipe_of_some_images_a_class_has_fewer_shards(matrix):
    assert (matrix.shards("cifar10", "sgid"), matrix.shards("cifar10", "sgid_five")) == (5, 1)


def test_some_images_a_class_are_never_more_than_there_are(demo):
    # 4 of each of 100 classes would be 400; the drawn world has 120 in 2 shards of 64
    demo.datasets["shapes"]["classes"] = 100
    assert demo.shards("shapes", "sgid_five") == 2


def test_every_shard_is_named_with_its_number_and_their_count(demo):
    folder = "results/images/shapes/sgid/noise-0.5"
    assert demo.image_shards("shapes", "sgid", "0.5") == [f"{folder}/shard-{i}-of-2.parquet" for i in (0, 1)]


def test_the_caption_filter_scores_both_samplers(demo):
    samplers = [path.split("/")[4] for path in demo.caption_shards("shapes", "sgid_filter")]
    assert samplers == ["beam", "beam", "nucleus", "nucleus"]


def test_a_recipe_redraws_the_originals(matrix):
    assert matrix.source_tables("pets", "sgid") == ["results/datasets/pets/train.parquet"]


def test_a_recipe_may_redraw_the_images_of_another(matrix):
    expected = ["results/images/pets/text2img/noise-1.0.json"]
    assert matrix.source_tables("pets", "text2img_sgid") == expected


def test_redrawn_images_are_described_anew(matrix):
    expected = ["results/similarity/pets/text2img/nucleus/shard-0-of-1.parquet"]
    assert matrix.caption_shards("pets", "text2img_sgid") == expected


def test_a_table_draws_the_sources_of_its_recipes(config):
    config["tables"]["table1"]["groups"] = {"integrated": ["text2img_sgid"]}
    del config["tables"]["table1"]["star"]
    assert ("pets", "text2img") in Matrix(config).drawn("table1")


def test_recipe_defaults_are_sgids(matrix):
    sgid = matrix.recipes["sgid_label"]
    assert (sgid["label_weight"], sgid["caption_weight"], sgid["guidance"]) == (1.5, 0.9, {"mode": "literal"})


def test_an_entry_of_a_recipe_wins_over_the_default(matrix):
    assert matrix.recipes["text2img"]["weighted"] is False


def test_targets_begin_with_what_a_reader_opens(matrix):
    suffixes = [path.removeprefix("results/tables/table3") for path in matrix.targets("table3")[:5]]
    assert suffixes == [".csv", ".md", ".tex", ".html", ".tests.csv"]


def test_targets_hold_every_image_shard_behind_a_table(demo):
    shards = [shard for rate in RATES for shard in demo.image_shards("shapes", "sgid", rate)]
    assert set(shards) <= set(demo.targets("table1"))


def test_targets_of_a_figure_hold_the_shards_it_measures(matrix):
    assert "results/images/cifar10/sgid_five/noise-chosen/shard-0-of-1.parquet" in matrix.targets("figure3")


def test_a_figure_of_a_trained_row_holds_the_shards_of_its_method(matrix):
    assert "results/images/cars/sgid_label/noise-chosen/shard-0-of-1.parquet" in matrix.targets("figure1")


@pytest.mark.parametrize("which", ["config", "demo_config"])
def test_every_target_has_its_place_in_the_path_grammar(which, request):
    matrix = Matrix(request.getfixturevalue(which))
    strays = [path for name in matrix.names for path in matrix.targets(name) if not GRAMMAR.fullmatch(path)]
    assert strays == []


def test_every_file_between_the_stages_has_its_place_in_the_path_grammar(matrix):
    paths = [run.path for run in matrix.runs(matrix.names)]
    for dataset, recipe in {pair for name in matrix.names for pair in matrix.drawn(name)}:
        paths += matrix.image_sets(dataset, recipe) + matrix.caption_shards(dataset, recipe)
        paths += matrix.choice_among(dataset, recipe) + matrix.choice_for(dataset, recipe)
        paths += matrix.candidates(dataset, recipe)
    assert [path for path in paths if not GRAMMAR.fullmatch(path)] == []


def test_the_build_is_the_targets_of_what_it_names(config):
    matrix = Matrix(config | {"build": ["table4"]})
    assert list(matrix.build()) == matrix.targets("table4")


def test_a_model_lies_in_the_download_folder(matrix):
    assert matrix.model("blip") == ["resources/models/blip/model.json"]


def test_a_model_of_ones_own_lies_in_its_folder(demo):
    assert demo.model("blip") == ["resources/miniature/blip/model.json"]


def test_a_backbone_from_scratch_needs_no_model(matrix):
    assert matrix.model(None) == []


def test_the_demo_needs_only_the_tiny_models(demo):
    parts = ("blip", "clip", "instruct_pix2pix", "stable_diffusion", "t5", "vit")
    assert models_needed(demo) == [f"resources/miniature/{part}/model.json" for part in parts]


def test_a_build_that_draws_nothing_needs_no_generator(config):
    config["tables"]["plain"] = {"title": "t", "datasets": ["pets"], "backbones": ["vit"], "groups": {"": ["re"]}}
    assert models_needed(Matrix(config | {"build": ["plain"]})) == ["resources/models/vit_in21k/model.json"]


def test_a_figure_that_measures_needs_the_encoder_that_it_names(config):
    config["models"]["dino"] = {"id": "timm/dino", "revision": "abc", "library": "timm"}
    config["figures"]["figure3"]["encoder"] = "dino"
    needed = models_needed(Matrix(config | {"build": ["consistency"]}))
    assert "resources/models/dino/model.json" in needed


def test_one_data_set_of_the_demo_is_drawn(demo):
    assert [name for name in demo.config["datasets"] if demo.is_drawn(name)] == ["shapes"]


def test_whatever_the_tiny_models_are_at_work_on_is_miniature(demo, matrix):
    assert all(map(demo.is_miniature, demo.config["datasets"]))
    assert not any(map(matrix.is_miniature, matrix.config["datasets"]))


def test_a_figure_row_stands_for_the_recipe_that_images_names(matrix):
    assert matrix.image_recipe(matrix.entry("figure3"), "sgid") == "sgid_five"


def test_a_figure_row_stands_for_the_named_recipe_where_a_method_has_its_name(config):
    config["methods"]["text2img_sgid"]["images"] = ["sgid_beam", "text2img_sgid"]
    for figure in ("figure4", "figure_noise"):
        config["figures"][figure] |= {"rows": ["text2img_sgid"], "images": {"text2img_sgid": "text2img_sgid"}}
    matrix = Matrix(config)
    assert matrix.image_recipe(matrix.entry("figure4"), "text2img_sgid") == "text2img_sgid"


def test_a_table_draws_every_recipe_that_a_method_chooses_from(matrix):
    recipes = {recipe for _, recipe in matrix.drawn("selected")}
    assert recipes == {"sgid", "sgid_beam", "sgid_filter"}


def test_a_choice_among_recipes_of_one_rate_needs_the_weights_of_the_candidates(config):
    config["methods"]["either"] = {"title": "t", "images": ["text2img", "sgid_ip"]}
    config["selection"]["backbone"] = "vit"
    table = {"title": "t", "datasets": ["pets"], "backbones": ["resnet50"], "groups": {"": ["either"]}}
    config["tables"]["plain"] = table
    assert "resources/models/vit_in21k/model.json" in models_needed(Matrix(config | {"build": ["plain"]}))


def test_a_figure_row_may_be_a_recipe_itself(matrix):
    assert matrix.image_recipe(matrix.entry("figure5"), "sgid_guidance_3") == "sgid_guidance_3"


def test_a_figure_row_that_perturbs_draws_nothing(matrix):
    assert matrix.image_recipe(matrix.entry("figure3"), "re") is None


def test_a_dangling_name_stops_the_matrix_from_being_made(config):
    config["build"] = ["table11"]
    with pytest.raises(ConfigError, match=r"^build: 'table11' is not defined \(did you mean 'table1'\?"):
        Matrix(config)
