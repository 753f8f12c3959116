import pytest

from sgid.training_settings import OF_GENERATED, reject_lists_of, training_of


def settings(config, method, **changes):
    return training_of(config | {"training": config["training"] | changes}, method)


def test_a_method_is_trained_as_the_configuration_says(config):
    found = training_of(config, "sgid")
    assert found == {key: config["training"][key] for key in found}
    assert (found["mix"], found["budget"], found["epochs_factor"]) == ("append", "epochs", 1)


def test_a_methods_own_settings_win_key_by_key(config):
    found = settings(config, "sgid_replace", budget="steps")
    assert (found["mix"], found["budget"]) == ("replace", "steps")


def test_a_candidate_is_trained_by_the_settings_of_all(config):
    assert training_of(config, None) == training_of(config, "sgid")


@pytest.mark.parametrize(
    ("key", "value"), [("exclude", ["list.csv"]), ("checkpoint_minutes", 1), ("pack_seeds", False)]
)
def test_what_leaves_the_result_alone_or_is_an_input_is_no_param(config, key, value):
    assert settings(config, "sgid", **{key: value}) == training_of(config, "sgid")


@pytest.mark.parametrize("key", OF_GENERATED)
def test_how_generated_images_enter_makes_no_plain_run_again(config, key):
    assert settings(config, "backbone", **{key: "changed"}) == training_of(config, "backbone")
    assert key == "exclude" or settings(config, "sgid", **{key: "changed"}) != training_of(config, "sgid")


@pytest.mark.parametrize("key", ["epochs_factor", "report", "compile"])
def test_what_changes_every_result_makes_every_run_again(config, key):
    for method in ("backbone", "sgid", None):
        assert settings(config, method, **{key: "changed"}) != training_of(config, method)


def test_the_control_trains_twice_as_long_and_on_nothing_else(config):
    assert training_of(config, "backbone_twice") == training_of(config, "backbone") | {"epochs_factor": 2}
    assert "images" not in config["methods"]["backbone_twice"]


def test_reject_lists_are_of_methods_that_draw_images_and_of_candidates(config):
    config["training"]["exclude"] = ["all.csv"]
    assert [reject_lists_of(config, method) for method in ("sgid", None)] == [["all.csv"]] * 2
    assert reject_lists_of(config, "backbone") == []


def test_a_methods_reject_lists_stand_in_place_of_the_general_ones(config):
    config["training"]["exclude"] = ["all.csv"]
    config["methods"]["sgid"]["training"] = {"exclude": ["own.csv"]}
    assert reject_lists_of(config, "sgid") == ["own.csv"]
