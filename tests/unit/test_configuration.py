import copy
import dataclasses

import pytest
import yaml

from sgid.configuration import SCHEMA, checked
from sgid.references import ConfigError, check_references

# Registries, whose keys are anyone's to choose, at any depth; renaming one is a dangling name, not an unknown key.
FREE = {"models", "datasets", "backbones", "recipes", "methods", "tables", "figures", "groups", "instead", "variants"}
FREE |= {"human", "row_titles", "images", "options", "archives", "annotations", "prompt_names", "splits", "sha256"}
FREE.add("devices")


def keys_of(mapping: dict, path: tuple = ()):
    """The path of every key that the schema names."""
    for key, value in mapping.items():
        inside = path and (path[-1] in FREE or (len(path) > 1 and path[-2] in {"instead", "variants"}))
        if not inside:
            yield (*path, key)
        if isinstance(value, dict):
            yield from keys_of(value, (*path, key))


def refusal(config: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        check_references(checked(config))
    return str(caught.value)


def misspelt(config: dict, path: tuple) -> dict:
    """The configuration with one key misspelt by a letter."""
    config = copy.deepcopy(config)
    *parents, key = path
    inner = config
    for parent in parents:
        inner = inner[parent]
    inner[f"{key}q"] = inner.pop(key)
    return config


def unnoticed(config: dict, path: tuple) -> str | None:
    """A path whose misspelling is not refused by its own name."""
    expected = ".".join(path) + "q: no such key (did you mean "
    try:
        checked(misspelt(config, path))
    except ConfigError as error:
        return None if str(error).startswith(expected) else f"{path}: {error}"
    return f"{path} passed"


def distinct(paths):
    """One path of each kind: of two data sets' titles, the first."""
    kinds = {tuple("*" if i and p[i - 1] in FREE else part for i, part in enumerate(p)): p for p in reversed(paths)}
    return sorted(kinds.values())


@pytest.mark.parametrize("which", ["config", "demo_config"])
def test_a_configuration_of_the_repository_is_in_order(which, request):
    config = request.getfixturevalue(which)
    assert checked(config) is config


def test_every_misspelt_key_is_refused_with_its_path_and_the_nearest_key(paper_config):
    paths = distinct(list(keys_of(paper_config)))
    assert len(paths) > 100
    assert list(filter(None, (unnoticed(paper_config, path) for path in paths))) == []


def test_every_misspelt_key_of_the_demo_is_refused(demo_config):
    demo_only = [path for path in keys_of(demo_config) if {"gallery", "resnet_tiny", "shapes"} & set(path)]
    assert list(filter(None, (unnoticed(demo_config, path) for path in distinct(demo_only)))) == []


@pytest.mark.parametrize(
    "key", ["build", "seeds", "image_seed", "chunk", "captions", "generation", "training", "tables"]
)
def test_a_missing_key_is_refused_by_its_name(config, key):
    del config[key]
    assert refusal(config) == f"config: {key!r} is a required property"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("chunk", 0),
        ("seeds", [0, 0]),
        ("seeds", []),
        ("build", "table1"),
        ("image_seed", "zero"),
        ("selection.seeds", [-1]),
        ("captions.nucleus.top_p", 1.5),
        ("captions.beam.mode", "wide"),
        ("generation.steps", 0),
        ("generation.encoding", "webp"),
        ("training.mix", "replaced"),
        ("training.replace_probability", 1.5),
        ("training.per_original", 0),
        ("training.exclude", "list.csv"),
        ("training.budget", "time"),
        ("training.epochs_factor", 0.5),
        ("training.checkpoint_minutes", 0),
        ("methods.sgid_only.training.mix", None),
        ("methods.sgid_ra_generated.online.randaugment.only", "drawn"),
        ("datasets.pets.resolution", 100),
        ("datasets.pets.validation", 1.5),
        ("datasets.pets.source", "imagenet"),
        ("backbones.resnet50.library", "keras"),
        ("backbones.resnet50.recipe.optimizer", "lion"),
        ("backbones.resnet50.recipe.learning_rate", "fast"),
        ("backbones.resnet50.view.mean", [0.5]),
        ("backbones.resnet50.small_images.recipe.epochs", 0),
        ("recipes.sgid.generator", "sdxl"),
        ("recipes.sgid.parts", "everything"),
        ("recipes.sgid.label_weight", 0),
        ("recipes.text2img.guidance.mode", "strong"),
        ("methods.sgid_moex.online.moex.weight", 2),
        ("methods.sgid.images", None),
        ("figures.figure3.kind", "pie"),
        ("tables.table1.datasets", []),
    ],
)
def test_an_impossible_value_is_refused_with_the_path_of_its_key(config, path, value):
    *parents, key = path.split(".")
    inner = config
    for parent in parents:
        inner = inner[parent]
    inner[key] = value
    sentence = refusal(config)
    assert sentence.startswith(path)
    assert "\n" not in sentence


def test_a_whole_model_is_an_id_with_a_revision_or_a_folder(config):
    config["models"]["blip"] = {"id": "someone/blip"}
    assert refusal(config).startswith("models.blip")


def test_a_registry_may_grow(config):
    config["datasets"]["pets2"] = config["datasets"]["pets"]
    checked(config)


@pytest.mark.parametrize("key", ["checkpoint_minutes", "pack_seeds"])
def test_what_changes_no_result_is_set_for_all_methods_at_once(config, key):
    config["methods"]["sgid"]["training"] = {key: config["training"][key]}
    assert refusal(config).startswith(f"methods.sgid.training.{key}: no such key (")


@pytest.mark.parametrize("name", ["cutmix", "moex"])
def test_a_mixing_is_not_for_generated_images_only(config, name):
    config["methods"]["sgid"]["online"] = {name: {"only": "generated"}}
    assert refusal(config).startswith(f"methods.sgid.online.{name}.only: no such key (have: ")


def test_composition_knows_the_settings_that_it_reads():
    from sgid.composition import DEFAULTS

    assert set(DEFAULTS) < properties("method_training")


def properties(*path: str) -> set[str]:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    for name in path:
        schema = schema[name]
    return set(schema["properties"])


def fields_of(cls) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)}


@pytest.mark.parametrize("name", ["random_erasing", "randaugment", "cutmix", "moex"])
def test_the_schema_knows_the_options_of_a_transform(name):
    from sgid.mixing import MIXINGS
    from sgid.transforms import TRANSFORMS

    assert properties(name) - {"small_images"} == fields_of((TRANSFORMS | MIXINGS)[name])


@pytest.mark.parametrize("part", ["view", "recipe"])
def test_the_schema_knows_how_a_backbone_sees_and_trains(part):
    from sgid.backbones import Recipe
    from sgid.transforms import View

    assert properties(part) == fields_of({"view": View, "recipe": Recipe}[part])


def test_the_schema_knows_every_key_of_a_backbone():
    from sgid.backbones import Backbone

    assert properties("backbone") == fields_of(Backbone) | {"title", "paper_name", "small_images"}
