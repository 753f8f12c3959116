import pytest

from sgid.matrix import Matrix
from sgid.references import ConfigError
from sgid.report_paths import CaptionReports


@pytest.fixture
def reports(config):
    return CaptionReports(Matrix(config))


def test_every_data_set_of_the_build_that_blip_describes_has_a_page(reports, config):
    assert reports.pages() == [f"results/captions/{name}/report.html" for name in config["datasets"]]


def test_the_demo_has_one_page(demo_config):
    assert CaptionReports(Matrix(demo_config)).pages() == ["results/captions/shapes/report.html"]


def test_a_build_that_draws_from_label_text_only_has_no_page(demo_config):
    demo_config["build"] = ["gallery"]
    demo_config["figures"]["gallery"]["rows"] = ["text2img"]
    assert CaptionReports(Matrix(demo_config)).pages() == []


def test_a_page_needs_both_samplers_whichever_the_recipe_takes(demo_config):
    reports = CaptionReports(Matrix(demo_config))
    assert reports.recipe == "sgid"
    folders = [path.rsplit("/", 1)[0] for path in reports.scores("shapes")]
    assert folders == [f"results/similarity/shapes/originals/{name}" for name in ("beam", "beam", "nucleus", "nucleus")]
    assert [path.replace("captions", "similarity") for path in reports.captions("shapes")] == reports.scores("shapes")


def test_a_page_shows_the_prompts_of_the_configured_recipe(config):
    config["captions_report"]["recipe"] = "sgid_filter"
    reports = CaptionReports(Matrix(config))
    assert reports.prompts("pets") == "results/prompts/pets/sgid_filter.parquet"
    assert reports.model() == ["resources/models/stable_diffusion/model.json"]


@pytest.mark.parametrize("recipe", ["text2img", "sgid_dc", "text2img_sgid"])
def test_a_recipe_without_blips_captions_of_the_originals_is_refused(config, recipe):
    config["captions_report"]["recipe"] = recipe
    with pytest.raises(ConfigError, match=rf"captions_report\.recipe: '{recipe}' has no captions of the originals"):
        CaptionReports(Matrix(config))


def test_an_unknown_recipe_is_refused_with_the_nearest(config):
    config["captions_report"]["recipe"] = "sgdi"
    with pytest.raises(ConfigError, match=r"captions_report\.recipe: 'sgdi' is not defined \(did you mean 'sgid'"):
        CaptionReports(Matrix(config))
