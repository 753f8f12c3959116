import pytest

from sgid.matrix import Matrix
from sgid.page_paths import ImagePages
from sgid.references import ConfigError


def test_every_set_of_the_build_has_a_page_and_the_index_links_them(demo_config):
    demo_config["build"] = ["gallery"]
    pages = ImagePages(Matrix(demo_config))
    assert pages.pages() == [
        "results/pages/index.html", "results/pages/shapes/sgid.html", "results/pages/shapes/text2img.html"
    ]  # fmt: skip
    assert pages.numbers() == ["results/pages/shapes/sgid.json", "results/pages/shapes/text2img.json"]


def test_a_pair_that_two_tables_draw_has_one_page(demo_config):
    demo_config["build"] = ["table1", "gallery", "figure4"]
    pages = ImagePages(Matrix(demo_config)).pages()
    assert len(pages) == len(set(pages))


def test_the_targets_ask_for_the_shards_too(demo_config):
    demo_config["build"] = ["gallery"]
    pages = ImagePages(Matrix(demo_config))
    assert "results/images/shapes/sgid/noise-0.7/shard-1-of-2.parquet" in pages.page_targets()
    assert "results/images/shapes/sgid/noise-0.7/shard-1-of-2.parquet" in pages.export_targets()
    assert not any("text2img" in path for path in pages.export_targets())


def test_the_configured_recipes_are_exported_at_every_noise_rate(demo_config):
    exports = ImagePages(Matrix(demo_config)).exports()
    assert len(exports) == 3 * 3
    assert "results/exports/shapes/sgid/noise-0.5/imagefolder.zip" in exports


def test_an_unknown_recipe_is_refused_by_its_key(demo_config):
    demo_config["exports"]["recipes"] = ["sgdi"]
    with pytest.raises(ConfigError, match=r"exports\.recipes: 'sgdi' is not defined \(did you mean 'sgid'"):
        ImagePages(Matrix(demo_config))


def test_a_build_without_pictures_has_an_index_only(demo_config):
    demo_config["build"] = ["plain"]
    demo_config["tables"]["plain"] = demo_config["tables"]["table1"] | {"groups": {"": ["backbone", "re"]}}
    demo_config["tables"]["plain"].pop("star")
    assert ImagePages(Matrix(demo_config)).page_targets() == ["results/pages/index.html"]


def test_the_user_s_own_folders_are_drawn_and_exported_whatever_is_built(demo_config, tmp_path):
    for name in ("a/0.png", "b/0.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    shapes = demo_config["datasets"]["shapes"]
    about = {key: shapes[key] for key in ("resolution", "stored", "image_size")} | {"validation": 0.1, "title": "Mine"}
    demo_config["datasets"]["mine"] = about | {"source": "folder", "folder": str(tmp_path), "split": {"test": 0}}
    targets = ImagePages(Matrix(demo_config)).augment_targets()
    assert [path for path in targets if "shapes" in path] == []
    assert targets[0] == "results/pages/mine/sgid.html"
    assert "results/exports/mine/sgid/noise-0.3/imagefolder.zip" in targets
    assert "results/images/mine/sgid/noise-0.7/shard-0-of-1.parquet" in targets


def test_without_a_folder_of_one_s_own_there_is_nothing_to_augment(demo_config):
    with pytest.raises(ConfigError, match=r"^datasets: none of them is a folder of your own"):
        ImagePages(Matrix(demo_config)).augment_targets()
