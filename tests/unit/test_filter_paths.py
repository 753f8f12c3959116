"""Filtered recipes in the matrix: what is asked of them is answered by the recipe that they filter."""

import re

import pytest

from sgid.benchmark_files import benchmarks_of
from sgid.configuration import checked
from sgid.cost_plan import PICTURES, CostPlan
from sgid.filter_paths import ImageFilters
from sgid.matrix import Matrix
from sgid.method_images import MethodImages
from sgid.model_needs import models_needed
from sgid.page_paths import ImagePages
from sgid.references import ConfigError, check_references
from sgid.report_paths import CaptionReports
from sgid.site_paths import SitePages
from sgid.training_settings import plain

FOLDER = "results/filter/pets/sgid"


@pytest.fixture
def matrix(config):
    return Matrix(checked(config))


@pytest.fixture
def filters(matrix):
    return ImageFilters(matrix)


def test_a_filtered_recipe_has_the_fields_of_what_it_filters(matrix):
    own = {"filters", "filter", "noise"}
    filtered, drawn = matrix.recipes["sgid_by_clip"], matrix.recipes["sgid"]
    assert {key: value for key, value in filtered.items() if key not in own} == {
        key: value for key, value in drawn.items() if key not in own
    }


@pytest.mark.parametrize(
    ("drawn", "noise", "choice"),
    [
        ("sgid", "chosen", ["results/selection/pets/sgid.json"]),
        ("sgid_label", "chosen", ["results/selection/pets/sgid.json"]),
        ("text2img", "1.0", []),
    ],
)
def test_its_one_set_lies_where_the_rate_of_the_other_says(config, drawn, noise, choice):
    config["recipes"]["kept"] = {"filters": drawn, "filter": {"flagged": True}}
    matrix = Matrix(config)
    assert matrix.image_sets("pets", "kept") == [f"results/images/pets/kept/noise-{noise}.json"]
    assert matrix.choice_for("pets", "kept") == choice
    assert ImageFilters(matrix).sets("pets", "kept") == matrix.image_sets("pets", drawn)


def test_the_path_of_a_filtered_set_has_the_rate_of_its_own_recipe(config):
    config["recipes"]["kept"] = {"filters": "text2img", "filter": {"flagged": True}}
    pattern = "|".join(ImageFilters(Matrix(checked(config))).with_rates())
    paths = [f"{name}/noise-{rate}.json" for name in ("kept", "sgid_by_clip") for rate in ("1.0", "chosen", "0.3")]
    assert [path for path in paths if re.match(pattern, path)] == [
        "kept/noise-1.0.json",
        "sgid_by_clip/noise-chosen.json",
    ]


def test_its_shards_are_those_that_it_may_take_pictures_from(matrix):
    shards = [f"results/images/pets/sgid/noise-{rate}/shard-0-of-1.parquet" for rate in ("0.3", "0.5", "0.7")]
    assert matrix.image_shards("pets", "sgid_by_both", "chosen") == shards
    assert ("pets", "sgid") in matrix.drawn("filter")
    assert set(shards) <= set(matrix.targets("filter"))
    assert len(matrix.targets("filter")) == len(set(matrix.targets("filter")))


def test_filters_of_one_recipe_share_their_scores(filters):
    for recipe in ("sgid_by_clip", "sgid_by_both"):
        assert filters.clip_scores("pets", recipe) == [f"{FOLDER}/clip.parquet"]
    for recipe in ("sgid_by_classifier", "sgid_by_both"):
        assert filters.judgements("pets", recipe) == [f"{FOLDER}/seed-0.parquet", f"{FOLDER}/seed-0.json"]


def test_a_filter_asks_for_the_scores_of_its_rules_only(filters):
    assert filters.judgements("pets", "sgid_by_clip") == []
    assert filters.clip_scores("pets", "sgid_by_classifier") == []
    assert filters.clip_scores("pets", "sgid_by_chance_as_both") == []
    assert filters.pattern("pets", "sgid_by_chance_as_both") == "results/filter/pets/sgid_by_both/rejects.csv"


def test_a_rule_with_the_number_zero_is_on_and_one_that_is_null_is_off(config):
    rules = {"another_class": 0, "no_subject": None, "flagged": False, "unchanged": 0.9}
    config["recipes"]["kept"] = {"filters": "sgid", "filter": rules}
    assert ImageFilters(Matrix(checked(config))).rules("pets", "kept") == {"another_class": 0, "unchanged": 0.9}


def test_recipes_are_drawn_or_filtered_by_rules_or_by_chance(config, filters):
    parts = [filters.drawing(), filters.filtered(by_chance=False), filters.filtered(by_chance=True)]
    assert sorted(name for part in parts for name in part) == sorted(config["recipes"])
    assert set(parts[2]) == {"sgid_by_chance_as_clip", "sgid_by_chance_as_both"}
    assert sorted(parts[1] + parts[2]) == sorted(filters.filtered())


def test_a_filtered_method_pays_for_what_is_drawn_and_for_the_scores(matrix):
    plan = CostPlan(matrix)
    plain_paths, filtered = (plan.files("pets", method) for method in ("sgid", "sgid_by_both"))
    further = [path for stage, path in filtered if (stage, path) not in plain_paths]
    assert further == [
        "results/benchmarks/score_images/pets/sgid.tsv",
        "results/benchmarks/judge_images/pets/sgid/seed-0.tsv",
    ]
    assert set(plain_paths) <= set(filtered)


def test_a_control_pays_for_the_scores_behind_what_it_is_like(matrix):
    paths = [path for stage, path in CostPlan(matrix).files("pets", "sgid_by_chance_as_clip") if stage == PICTURES]
    assert "results/benchmarks/score_images/pets/sgid.tsv" in paths


@pytest.mark.parametrize(
    ("row", "needed", "not_needed"),
    [
        ("sgid_by_clip", {"clip", "blip", "stable_diffusion"}, {"t5"}),
        ("sgid_by_classifier", {"stable_diffusion"}, {"t5"}),
    ],
)
def test_models_of_what_is_filtered_and_of_its_rules_are_fetched(config, row, needed, not_needed):
    config["build"], config["tables"]["filter"]["groups"] = ["filter"], {"filter": [row]}
    names = {path.split("/")[2] for path in models_needed(Matrix(config))}
    assert needed <= names
    assert not not_needed & names


def test_a_filter_asks_clip_also_where_captions_are_scored_by_another_model(config):
    config["similarity"]["mode"], config["build"] = "blip_itc", ["filter"]
    config["models"]["blip_itm"] = {"folder": "mine"}
    for row, asked in (("sgid_by_classifier", False), ("sgid_by_clip", True), ("sgid_by_chance_as_clip", True)):
        config["tables"]["filter"]["groups"] = {"filter": [row]}
        assert ("resources/models/clip/model.json" in models_needed(Matrix(config))) == asked


def test_a_classifier_that_judges_needs_its_weights(config):
    config["selection"]["backbone"] = "vit"
    config["recipes"]["kept"] = {"filters": "text2img", "filter": {"too_easy": 1}}
    config["methods"]["kept"] = {"title": "Kept", "images": "kept"}
    config["build"], config["tables"]["filter"]["groups"] = ["filter"], {"filter": ["kept"]}
    assert "resources/models/vit_in21k/model.json" in models_needed(Matrix(config))


def test_reports_follow_the_tables_and_stay_with_the_data_sets_of_the_build(config):
    matrix = Matrix(config)
    reports = ImageFilters(matrix).reports("filter")
    assert "results/filter/pets/sgid_by_chance_as_both.md" in reports
    assert len(reports) == 5 * 3 * 5
    assert set(ImageFilters(matrix).all_reports()) == set(reports)
    assert ImageFilters(Matrix(config | {"build": ["figure3"]})).all_reports() == []
    assert ImageFilters(matrix).reports("table1") == []


def test_pages_captions_and_costs_of_the_site_know_filtered_recipes(config):
    config["build"] = ["filter"]
    config["captions_report"] = {"recipe": "sgid_by_clip", "images": 1}
    matrix = Matrix(config)
    assert "results/pages/pets/sgid_by_clip.html" in ImagePages(matrix).pages()
    assert CaptionReports(matrix).prompts("pets") == "results/prompts/pets/sgid.parquet"
    drawn = [tuple(entry) for entry in SitePages(matrix).costly() if entry[0] == "draw_images"]
    assert len(drawn) == len(set(drawn)) > 0
    assert all("/sgid/" in path for _, _, path in drawn)


def test_the_site_misses_the_benchmark_of_what_scores_pictures_for_filters_once_a_data_set(config):
    config["build"] = ["filter"]
    costly = [entry for entry in SitePages(Matrix(config)).costly() if entry[1] == "pets" and "filter" in entry[2]]
    assert costly == [
        ["score_images", "pets", "results/filter/pets/sgid/clip.parquet"],
        ["judge_images", "pets", "results/filter/pets/sgid/seed-0.parquet"],
    ]
    found = [str(path) for rule, _, output in costly for path in benchmarks_of(rule, output)]
    assert set(ImageFilters(Matrix(config)).benchmarks("pets", "sgid_by_both")) <= set(found)


def test_validation_may_choose_between_a_recipe_and_its_filtered_pictures(config):
    config["methods"]["best"] = {"title": "Best", "images": ["sgid", "sgid_by_clip"]}
    images = MethodImages(Matrix(checked(config)))
    assert "results/selection/pets/sgid_by_clip/noise-chosen/seed-0.json" in images.candidates("pets", "best")


def test_replicates_of_a_filtered_recipe_are_those_that_were_drawn(config):
    config["recipes"]["kept"] = {"filters": "sgid_five", "filter": {"flagged": True}}
    config["methods"]["kept"] = {"title": "Kept", "images": "kept", "training": {"per_original": 5}}
    check_references(checked(config))
    config["methods"]["kept"]["training"]["per_original"] = 6
    with pytest.raises(ConfigError, match=r"6 is more than the replicates of recipes.kept \(5\)"):
        check_references(config)


def test_the_classifier_of_a_filter_learns_as_a_plain_one(config):
    assert set(plain(config)) == {"epochs_factor", "report", "compile"}


BY_RULES = {"flagged": True}
REFUSED = {
    "filters: 'sgdi' is not defined (did you mean 'sgid'?": {"filters": "sgdi", "filter": BY_RULES},
    "filters: 'sgid_by_clip' is filtered itself": {"filters": "sgid_by_clip", "filter": BY_RULES},
    "noise: a recipe that filters another draws nothing": {"filters": "sgid", "filter": BY_RULES, "noise": "0.5"},
    "filter: switch on rules (flagged, another_class,": {"filters": "sgid", "filter": {"flagged": False}},
    "filter: switch on rules (flagged,": {"filters": "sgid", "filter": {"flagged": True, "like": "sgid_by_clip"}},
    "filter.like: 'nothing' is not defined": {"filters": "sgid", "filter": {"like": "nothing"}},
    "filter.like: 'sgid_by_clip' filters not 'sgid_dc'": {"filters": "sgid_dc", "filter": {"like": "sgid_by_clip"}},
    "filter.like: 'sgid_by_chance_as_clip' filters": {"filters": "sgid", "filter": {"like": "sgid_by_chance_as_clip"}},
    "source: only a recipe of the originals": {"generator": "img2img", "noise": "0.5", "source": "sgid_by_clip"},
    "noise.as: 'sgid_by_clip' has one noise rate": {"generator": "img2img", "noise": {"as": "sgid_by_clip"}},
    "filter: only a recipe with `filters`": {"generator": "img2img", "noise": "0.5", "filter": BY_RULES},
    "'filter' is a required property": {"filters": "sgid"},
    "filter.to_easy: no such key (did you mean 'too_easy'?": {"filters": "sgid", "filter": {"to_easy": 1}},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_filter_that_cannot_be_is_refused_with_the_path_of_its_key(config, sentence):
    config["recipes"]["mine"] = REFUSED[sentence]
    with pytest.raises(ConfigError) as caught:
        check_references(checked(config))
    assert str(caught.value).startswith("recipes.mine")
    assert sentence in str(caught.value)
