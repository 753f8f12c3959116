import pytest

from sgid.configuration import checked
from sgid.references import SAMPLERS_OF, ConfigError, check_references, require


def refusal(config: dict) -> str:
    """What a user reads, from the same two checks in the same order as rules/common.smk."""
    with pytest.raises(ConfigError) as caught:
        check_references(checked(config))
    return str(caught.value)


def put(config: dict, path: str, value) -> None:
    *parents, key = path.split("/")
    for parent in parents:
        config = config.setdefault(parent, {})
    config[key] = value


DANGLING = [
    ("build", ["nothing"], "build"),
    ("selection/backbone", "nothing", "selection.backbone"),
    ("backbones/vit/weights", "nothing", "backbones.vit.weights"),
    ("recipes/sgid/model", "nothing", "recipes.sgid.model"),
    ("recipes/text2img_sgid/source", "nothing", "recipes.text2img_sgid.source"),
    ("recipes/sgid_label/noise", {"as": "nothing"}, "recipes.sgid_label.noise.as"),
    ("methods/sgid/images", "nothing", "methods.sgid.images"),
    ("methods/sgid_selected/images", ["sgid", "nothing"], "methods.sgid_selected.images"),
    ("tables/table1/datasets", ["nothing"], "tables.table1.datasets"),
    ("tables/table1/backbones", ["nothing"], "tables.table1.backbones"),
    ("tables/table1/groups/single", ["sgid", "nothing"], "tables.table1.groups.single"),
    ("tables/table1/instead/nothing", {"sgid": "sgid"}, "tables.table1.instead"),
    ("tables/table1/instead/cars/nothing", "sgid", "tables.table1.instead.cars"),
    ("tables/table1/instead/cars/sgid", "nothing", "tables.table1.instead.cars"),
    ("tables/table4/variants/PW/nothing", "sgid", "tables.table4.variants.PW"),
    ("tables/table4/variants/PW/sgid", "nothing", "tables.table4.variants.PW"),
    ("tables/table3/row_titles/nothing", "Title", "tables.table3.row_titles"),
    ("tables/table1/star/row", "nothing", "tables.table1.star.row"),
    ("tables/table1/star/group", "nothing", "tables.table1.star.group"),
    ("figures/figure1/datasets", ["nothing"], "figures.figure1.datasets"),
    ("figures/figure1/backbones", ["nothing"], "figures.figure1.backbones"),
    ("figures/figure1/rows", ["nothing"], "figures.figure1.rows"),
    ("figures/figure1/instead/cars/sgid", "nothing", "figures.figure1.instead.cars"),
    ("figures/figure3/rows", ["nothing"], "figures.figure3.rows"),
    ("figures/figure3/images/sgid", "nothing", "figures.figure3.images"),
    ("figures/figure3/images/nothing", "sgid_five", "figures.figure3.images"),
    ("figures/consistency/measures", "nothing", "figures.consistency.measures"),
    ("figures/figure3/encoder", "nothing", "figures.figure3.encoder"),
]


def test_the_papers_configuration_is_in_order(config):
    check_references(checked(config))


def test_the_demos_configuration_is_in_order(demo_config):
    check_references(checked(demo_config))


@pytest.mark.parametrize(("key", "value", "path"), DANGLING, ids=[f"{path}={key}" for key, _, path in DANGLING])
def test_a_dangling_name_is_refused_with_the_path_of_its_key(config, key, value, path):
    put(config, key, value)
    assert refusal(config).startswith(f"{path}: 'nothing' is not defined (")


@pytest.mark.parametrize("name", ["blip", "clip", "t5"])
def test_a_model_that_a_stage_always_reads_must_be_there(config, name):
    config["models"]["other"] = config["models"].pop(name)
    assert refusal(config).startswith(f"models: {name!r} is not defined (")


def test_a_refusal_offers_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'sgid_label'"):
        require("path", ["sgid_lable"], ["backbone", "sgid_label"])


def test_a_refusal_lists_what_there_is():
    with pytest.raises(ConfigError, match=r"have: one, two\)$"):
        require("path", ["x"], ["one", "two"])


def test_known_names_pass():
    require("path", ["one"], ["one", "two"])


@pytest.mark.parametrize(
    "rate", ["0.0", "1.5", "1.1", "-0.3", "nan", "inf", "half", "", "1", "5e-1", ".5", " 0.5", "0,5"]
)
def test_a_text_that_is_no_noise_rate_is_refused(config, rate):
    config["recipes"]["sgid"]["noise"] = ["0.3", rate]
    assert refusal(config).startswith(f"recipes.sgid.noise: {rate!r} is not a noise rate; it must lie in (0, 1]")


@pytest.mark.parametrize("rate", ["0.0", "1.5", "x"])
def test_a_single_noise_rate_is_held_to_the_same(config, rate):
    config["recipes"]["text2img"]["noise"] = rate
    assert refusal(config).startswith(f"recipes.text2img.noise: {rate!r} is not a noise rate")


@pytest.mark.parametrize("rate", ["0.3", "1.0", "0.05", "0.999"])
def test_a_noise_rate_above_zero_and_up_to_one_passes(config, rate):
    config["recipes"]["sgid"]["noise"] = [rate]
    check_references(checked(config))


@pytest.mark.parametrize(("noise", "path"), [([0.3], "recipes.sgid.noise.0"), (0.5, "recipes.sgid.noise")])
def test_a_number_instead_of_a_string_is_refused_with_its_path(config, noise, path):
    config["recipes"]["sgid"]["noise"] = noise
    sentence = refusal(config)
    assert sentence.startswith(f"{path}: ")
    assert "string" in sentence


def test_an_empty_list_of_noise_rates_is_refused(config):
    config["recipes"]["sgid"]["noise"] = []
    assert refusal(config).startswith("recipes.sgid.noise: ")


def test_nothing_is_chosen_for_a_recipe_with_one_noise_rate(config):
    config["recipes"]["sgid_label"]["noise"] = {"as": "text2img"}
    assert refusal(config).startswith("recipes.sgid_label.noise.as: 'text2img' has one noise rate")


@pytest.mark.parametrize("source", ["sgid", "sgid_ip_five", "text2img_sgid"])
def test_only_one_image_of_each_original_can_be_redrawn(config, source):
    config["recipes"]["text2img_sgid"]["source"] = source
    assert refusal(config).startswith("recipes.text2img_sgid.source: only a recipe ")


def test_a_redrawn_image_is_not_drawn_a_third_time(config):
    config["recipes"]["text2img_sgid"]["noise"] = "0.5"
    config["recipes"]["third"] = {"generator": "img2img", "source": "text2img_sgid", "noise": "0.5"}
    assert refusal(config).startswith("recipes.third.source: only a recipe of the originals")


def test_a_recipe_cannot_redraw_itself(config):
    config["recipes"]["text2img"]["source"] = "text2img"
    assert refusal(config).startswith("recipes.text2img.source: only a recipe of the originals")


def test_an_encoder_is_named_by_the_figure_that_measures(config):
    config["figures"]["consistency"]["encoder"] = "clip"
    assert refusal(config).startswith("figures.consistency.encoder: figures.figure3 measures for it; name the encoder")


@pytest.mark.parametrize("kind", ["overview", "classes", "curves", "cost"])
def test_a_figure_of_runs_names_backbones(config, kind):
    config["figures"]["runs"] = {"kind": kind, "title": "Runs", "datasets": ["pets"], "rows": ["backbone", "sgid"]}
    assert refusal(config).startswith(f"figures.runs.backbones: a figure of kind {kind!r} shows runs")


@pytest.mark.parametrize("kind", ["overview", "classes", "cost"])
def test_a_figure_of_gains_has_the_row_that_they_are_counted_from(config, kind):
    entry = {"kind": kind, "title": "Gains", "datasets": ["pets"], "backbones": ["vit"], "rows": ["ra", "sgid"]}
    config["figures"]["gains"] = entry
    assert refusal(config).startswith("figures.gains.rows: gains are counted from the row 'backbone'")


@pytest.mark.parametrize("kind", ["gallery", "grid"])
def test_a_figure_of_drawn_pictures_has_no_row_that_draws_nothing(config, kind):
    entry = {"kind": kind, "title": "t", "datasets": ["pets"], "rows": ["sgid", "cutmix"], "count": 1}
    config["figures"]["pictures"] = entry
    assert refusal(config).startswith("figures.pictures.rows: 'cutmix' draws no images")


@pytest.mark.parametrize("figure", ["figure1", "figure4"])
def test_a_figure_row_that_chooses_among_recipes_must_say_which_it_shows(config, figure):
    config["figures"][figure]["rows"] = ["backbone", "sgid_selected"]
    assert refusal(config).startswith(f"figures.{figure}.rows: 'sgid_selected' chooses among several recipes; name one")
    config["figures"][figure]["images"] = {"sgid_selected": "sgid_beam"}
    check_references(checked(config))


@pytest.mark.parametrize("images", [[], ["sgid"], ["sgid", "sgid"], {"as": "sgid"}])
def test_a_list_of_recipes_that_leaves_no_choice_is_refused(config, images):
    config["methods"]["sgid_selected"]["images"] = images
    assert refusal(config).startswith("methods.sgid_selected.images: ")


def test_every_sampler_of_the_schema_is_known(config):
    for captions in SAMPLERS_OF:
        config["recipes"]["sgid"]["captions"] = captions
        check_references(checked(config))


def test_a_similarity_of_blips_own_asks_for_its_model(config):
    config["similarity"]["mode"] = "blip_itc"
    with pytest.raises(ConfigError, match=r"^similarity\.mode: blip_itc needs models\.blip_itm, .* config/README\.md$"):
        check_references(config)


@pytest.mark.parametrize("path", ["training/exclude", "methods/sgid/training/exclude"])
def test_a_reject_list_that_is_not_there_is_refused_with_key_and_file(config, path):
    put(config, path, ["lists/none.csv"])
    expected = f"{path.replace('/', '.')}: lists/none.csv: there is no such file; save a reject list from"
    assert refusal(config).startswith(expected)


def test_a_file_that_is_no_reject_list_is_refused_before_the_first_job(config, tmp_path):
    (tmp_path / "list.csv").write_text("a,b\n")
    config["training"]["exclude"] = [str(tmp_path / "list.csv")]
    assert refusal(config).startswith(f"training.exclude: {tmp_path / 'list.csv'}: no reject list")


def test_a_reject_list_that_can_be_read_passes(config, tmp_path):
    (tmp_path / "list.csv").write_text("image_id,source_id,reason\n")
    config["training"]["exclude"] = [str(tmp_path / "list.csv")]
    check_references(checked(config))


def test_two_rows_of_a_figure_of_noise_rates_with_one_recipe_are_refused(config):
    config["figures"]["figure_noise"]["rows"] = ["sgid", "sgid_dc", "sgid_ra"]
    assert refusal(config) == (
        "figures.figure_noise.rows: 'sgid' and 'sgid_ra' share the recipe 'sgid', whose rates are chosen once; "
        "name one of them"
    )
    config["figures"]["figure_noise"]["images"] = {"sgid_ra": "sgid_beam"}
    check_references(checked(config))


GENERATED_ONLY = [
    ("training/mix", "replace"),
    ("training/replace_probability", 0.1),
    ("training/per_original", 1),
    ("training/exclude", []),
    ("training/budget", "steps"),
    ("online/randaugment/only", "generated"),
    ("online/random_erasing/only", "originals"),
    ("online/random_erasing/small_images/only", "generated"),
]


@pytest.mark.parametrize(("key", "value"), GENERATED_ONLY)
def test_a_method_without_images_has_no_say_about_them(config, key, value):
    put(config, f"methods/re/{key}", value)
    path = f"methods.re.{key.replace('/', '.')}"
    assert refusal(config) == f"{path}: the method draws no images, so this changes nothing; leave it out"


@pytest.mark.parametrize(("key", "value"), [*GENERATED_ONLY, ("training/epochs_factor", 3)])
def test_a_method_with_images_has_it(config, key, value):
    put(config, f"methods/sgid/{key}", value)
    check_references(checked(config))


def test_a_transform_for_all_is_every_methods(config):
    config["methods"]["re"]["online"] = {"random_erasing": {"only": "all"}}
    check_references(checked(config))


def test_a_setting_of_all_methods_is_held_to_what_the_recipes_of_the_build_draw(config):
    config["training"]["per_original"], config["build"] = 2, ["table4"]
    assert refusal(config).startswith(
        "training.per_original, for methods.sgid: 2 is more than the replicates of recipes."
    )
    config["build"] = ["figure5"]
    check_references(checked(config))


def test_more_images_of_an_original_than_its_recipe_draws_are_refused(config):
    config["methods"]["sgid"]["training"] = {"per_original": 2}
    assert refusal(config).startswith(
        "methods.sgid.training.per_original: 2 is more than the replicates of recipes.sgid (1); "
    )
    config["recipes"]["sgid"]["replicates"] = 2
    check_references(checked(config))


@pytest.mark.parametrize("kind", ["similarity", "plane", "grid", "gallery"])
def test_a_figure_of_one_data_set_has_no_more(config, kind):
    config["figures"]["two"] = {"kind": kind, "title": "Two", "datasets": ["pets", "dtd"], "rows": ["sgid"]}
    assert refusal(config).startswith(f"figures.two.datasets: a figure of kind {kind!r} shows one data set")


def test_a_device_to_plan_for_that_is_not_known_is_refused_with_those_that_are(config):
    config["plan_device"] = "H20"
    assert refusal(config).startswith("plan_device: 'H20' is not defined (did you mean 'H200'? have: H200, H100, A100")
