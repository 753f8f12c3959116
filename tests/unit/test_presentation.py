import pytest

from sgid.matrix import Matrix
from sgid.presentation import Presentation


@pytest.fixture
def shown(config):
    return Presentation(Matrix(config))


@pytest.fixture
def demo(demo_config):
    return Presentation(Matrix(demo_config))


def test_figures_are_known_by_their_kind(shown):
    assert (shown.of_kind("similarity"), shown.of_kind("gallery")) == (["figure3"], [])


def test_rows_are_titled_as_the_paper_prints_them(shown):
    assert shown.titles("table1")["rows"]["sgid_ra"] == "+ SGID & RA"


def test_a_table_may_title_a_row_otherwise(shown):
    assert shown.titles("table4")["rows"]["sgid"] == "Nucleus"


def test_titles_keep_the_order_of_the_rows(shown):
    assert list(shown.titles("table3")["rows"]) == ["sgid_no_prompt", "sgid_caption", "sgid_label", "sgid"]


def test_a_row_that_is_a_recipe_is_titled_by_its_name(shown):
    assert shown.titles("figure5")["rows"]["sgid_guidance_3"] == "sgid_guidance_3"


def test_data_sets_and_backbones_have_titles(shown):
    titles = shown.titles("table1")
    assert titles["datasets"]["cifar100"] == "C-100"
    assert titles["backbones"]["vit"] == "ViT (ImageNet-21k)"


def test_a_figure_without_backbones_titles_none(shown):
    assert shown.titles("figure3")["backbones"] == {}


def test_data_sets_are_found_in_the_papers_numbers_by_its_own_names(shown):
    assert shown.paper_names("table4") == {"cifar100": "CIFAR-100", "pets": "Pets", "dtd": "DTD"}


def test_the_drawn_world_has_no_place_in_the_papers_numbers(demo):
    assert demo.paper_names("table1") == {}


def test_the_paper_has_numbers_for_its_three_tables(shown):
    assert shown.paper_tables() == ["table1", "table3", "table4"]


def test_the_demo_stands_beside_no_number_of_the_paper_that_it_replaces(demo):
    assert {"table1", "table3"}.isdisjoint(demo.paper_tables())


def test_the_star_compares_sgid_with_the_other_single_methods(shown):
    against = ["re", "cutmix", "moex", "ra", "text2img", "sgid_dc", "sgid_ip"]
    assert shown.star("table1") == {"row": "sgid", "against": against}


def test_a_table_without_a_star_tests_nothing(shown):
    assert shown.star("table3") is None


def test_rows_of_a_figure_are_shown_by_a_recipe_or_by_none(shown):
    recipes = shown.shown_recipes("figure3")
    assert (recipes["sgid"], recipes["cutmix"]) == ("sgid_five", None)


def test_a_gallery_shows_every_noise_rate(demo):
    paths = [f"results/images/shapes/sgid/noise-{rate}.json" for rate in ("0.3", "0.5", "0.7")]
    assert demo.figure_sets("gallery") == [*paths, "results/images/shapes/text2img/noise-1.0.json"]


def test_a_gallery_has_a_column_for_the_original_and_for_every_set(demo):
    assert demo.gallery_columns("gallery") == ["Original", "SGID 0.3", "SGID 0.5", "SGID 0.7", "Text2Img"]
    assert len(demo.gallery_columns("gallery")) == 1 + len(demo.figure_sets("gallery"))


def test_a_figure_waits_for_the_choice_among_the_sets_of_a_recipe(shown):
    choices = shown.figure_choices("figure4")
    assert "results/selection/pets/sgid.json" in choices
    assert not any("text2img" in path for path in choices)


def test_a_figure_measures_every_row_on_every_data_set(shown):
    found = shown.measurements("figure3")
    assert found[0] == "results/consistency/figure3/cifar10/re.csv"
    assert len(found) == 7


def test_a_figure_may_show_the_measurements_of_another(shown):
    assert shown.measurements("consistency") == shown.measurements("figure3")


def test_the_recipe_of_a_choice_is_found_back_to_its_row(shown):
    assert shown.rows_of_recipes("figure_noise") == {name: name for name in ("sgid", "sgid_dc", "text2img_sgid")}
    assert shown.rows_of_recipes("figure3")["sgid_five"] == "sgid"


def test_a_figure_of_noise_rates_reads_the_choice_of_every_row_on_every_data_set(shown):
    choices = shown.figure_choices("figure_noise")
    assert choices[:2] == [f"results/selection/cifar100/{recipe}.json" for recipe in ("sgid", "sgid_dc")]
    assert len(choices) == 7 * 3


def test_a_figure_of_the_drawn_world_is_miniature(shown, demo):
    assert not shown.is_miniature("figure_noise")
    assert demo.is_miniature("figure_noise")


def test_the_paper_has_numbers_for_its_figure_of_accuracies(shown):
    assert shown.paper_overviews() == ["figure1"]


def test_rows_that_draw_nothing_perturb(shown):
    perturbing = {"re": {"random_erasing": {}}, "cutmix": {"cutmix": {}}, "ra": {"randaugment": {}}}
    assert shown.perturbations("figure4") == perturbing


def test_a_row_that_neither_draws_nor_perturbs_has_no_transforms(config):
    config["figures"]["figure4"]["rows"] = ["backbone", "sgid"]
    assert Presentation(Matrix(config)).perturbations("figure4") == {"backbone": {}}


def test_a_case_study_titles_the_original_and_every_row_without_its_plus(shown):
    assert shown.case_columns("figure4") == ["Original", "RE", "CutMix", "RA", "Text2Img", "DC", "IP", "SGID"]


def test_a_table_or_figure_has_the_title_of_its_entry(shown):
    assert shown.title("table3") == "Ablation of the textual prompt"


def test_the_starred_runs_are_those_of_eight_methods_whatever_fills_their_rows(shown):
    runs = shown.starred_runs("table1")
    assert len(runs) == 3 * 7 * 8 * 5
    assert {run.method for run in runs if run.dataset == "cars"} >= {"sgid_label", "sgid_dc"}
    assert not {"backbone", "sgid_ra"} & {run.method for run in runs}


def test_a_table_without_a_star_has_no_starred_runs(shown):
    assert shown.starred_runs("table3") == []
