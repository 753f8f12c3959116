import pytest

from sgid.references import ConfigError
from sgid.target_names import check_names, rule_names


def refusal(config, **entries) -> str:
    """What is said of a configuration with these entries more, by registry."""
    with pytest.raises(ConfigError) as raised:
        check_names({name: config[name] | entries.get(name, {}) for name in config if name in NAMED}, rule_names())
    return str(raised.value)


NAMED = ("datasets", "tables", "figures", "human")


def test_the_configurations_have_no_clash(config, demo_config):
    for each in (config, demo_config):
        check_names(each, rule_names())


def test_the_fixed_targets_and_the_rules_of_jobs_are_known():
    assert {"all", "models", "site", "draw_images", "prune_cache", "install_miniature"} <= rule_names()


@pytest.mark.parametrize("registry", ["tables", "figures", "human"])
def test_an_entry_named_like_a_rule_is_refused(config, registry):
    assert refusal(config, **{registry: {"models": {}}}) == (
        f"{registry}.models: its target 'models' is also a rule of the workflow; give the entry another name"
    )


def test_two_registries_with_one_name_are_refused(config):
    assert refusal(config, figures={"table1": {}}) == (
        "figures.table1: its target 'table1' is also that of tables.table1; give the entry another name"
    )
    assert refusal(config, human={"figure1": {}}).startswith("human.figure1: its target 'figure1' is also that of fig")


def test_a_table_named_like_a_data_set_s_target_is_refused(config):
    assert "also that of datasets.pets" in refusal(config, tables={"dataset_pets": {}})


def test_a_figure_named_like_a_table_s_progress_is_refused(config):
    assert "also that of tables.table1" in refusal(config, figures={"progress_table1": {}})


@pytest.mark.parametrize("verb", ["plan", "preflight", "status", "archive"])
def test_so_is_one_named_like_what_tells_of_or_packs_another(config, verb):
    assert "also that of tables.table1" in refusal(config, figures={f"{verb}_table1": {}})


@pytest.mark.parametrize("name", ["build", "images"])
def test_no_table_takes_the_name_of_what_is_planned_or_packed_whole(config, name):
    assert refusal(config, tables={name: {}}) == (
        f"tables.{name}: its target 'archive_{name}' is also a rule of the workflow; give the entry another name"
    )
