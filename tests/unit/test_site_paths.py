from pathlib import Path

import pytest
import yaml
from configuration_files import CONFIG

from sgid.matrix import Matrix
from sgid.site_paths import CAPTIONS, SitePages

SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder without results."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def test_the_site_has_an_index_pages_of_tables_and_pictures_and_copies_of_the_figures(demo_config, nowhere):
    demo_config["build"] = ["gallery", "table1"]
    assert SitePages(Matrix(demo_config)).files() == [
        "results/site/index.html", "results/site/tables/table1.html", "results/site/pictures/shapes.html",
        "results/site/figures/gallery.png", "results/site/figures/gallery.pdf",
    ]  # fmt: skip


def test_a_partial_site_asks_for_nothing_but_partial_tables(demo_config, nowhere):
    pages = SitePages(Matrix(demo_config), partial=True)
    assert pages.of_tables(".csv") == ["results/partial/table1.csv", "results/partial/table3.csv"]
    assert (pages.figures(), pages.pictures(), pages.needed_selections(), pages.found_selections()) == ([], [], [], {})


def test_a_partial_site_shows_the_figures_and_choices_that_are_there(demo_config, nowhere):
    pages = SitePages(Matrix(demo_config), partial=True)
    touch("results/figures/figure3.png")
    touch("results/selection/shapes/sgid.json")
    assert pages.figures() == ["figure3"]
    assert list(pages.found_selections()) == ["results/selection/shapes/sgid.json"]
    assert pages.layout()["figures_at"] == "../../figures"


def test_pages_elsewhere_are_linked_where_they_are_there(demo_config, nowhere):
    pages = SitePages(Matrix(demo_config))
    assert pages.elsewhere() == []
    touch("results/captions/shapes/report.html")
    assert pages.elsewhere() == [{"title": "Captions of Shapes", "address": "../captions/shapes/report.html"}]


def test_a_page_asks_for_the_tests_on_predictions_where_its_table_tests_a_row(demo_config, nowhere):
    pages = SitePages(Matrix(demo_config))
    assert pages.predictions("table1") == ["results/tables/table1.predictions.csv"]
    assert pages.predictions("table3") == []
    assert SitePages(Matrix(demo_config), partial=True).predictions("table1") == []


def test_choices_are_those_of_the_build_with_those_that_others_follow(demo_config):
    demo_config["build"] = ["table3"]
    assert SitePages(Matrix(demo_config)).selections() == ["results/selection/shapes/sgid.json"]
    demo_config["build"] = ["figure3"]
    assert SitePages(Matrix(demo_config)).selections() == ["results/selection/shapes/sgid.json"]


def test_every_drawn_shard_and_every_training_costs(demo_config):
    costly = SitePages(Matrix(demo_config)).costly()
    assert len({path for _, _, path in costly}) == len(costly)
    assert [rule for rule, _, _ in costly].count("train_classifier") == 7 * 3 * 3 + 3 * 3
    assert ["draw_images", "shapes", "results/images/shapes/sgid/noise-0.7/shard-1-of-2.parquet"] in costly
    assert [path for rule, _, path in costly if rule == "train_candidate"] == [
        f"results/selection/shapes/sgid/noise-{rate}/seed-{seed}.json"
        for rate in ("0.3", "0.5", "0.7")
        for seed in (0, 1)
    ]


def test_a_set_that_follows_a_choice_costs_what_the_choice_costs(demo_config):
    demo_config["build"] = ["figure3"]
    costly = SitePages(Matrix(demo_config)).costly()
    assert [rule for rule, _, _ in costly].count("train_candidate") == 3 * 2
    assert ["draw_images", "shapes", "results/images/shapes/sgid/noise-0.3/shard-0-of-2.parquet"] in costly


def test_every_kind_of_figure_has_a_caption():
    kinds = SCHEMA["properties"]["figures"]["additionalProperties"]["properties"]["kind"]["enum"]
    assert [kind for kind in kinds if not (CONFIG.parent / f"report/{CAPTIONS.get(kind, kind)}.rst").exists()] == []


def test_what_is_drawn_is_miniature(demo_config, config):
    assert SitePages(Matrix(demo_config)).layout()["miniature"]
    assert not SitePages(Matrix(config)).layout()["miniature"]
