"""Whether the registries refer only to what they define; every refusal names the path of the offending key."""

from collections.abc import Mapping

from sgid.figure_references import check_figure
from sgid.recipes import check_recipes, resolved
from sgid.refusals import ConfigError, require
from sgid.rejects import read_rejects
from sgid.training_settings import OF_GENERATED

SAMPLERS_OF = {
    "nucleus": ("nucleus",),
    "beam": ("beam",),
    "filter": ("beam", "nucleus"),
    "sentences": ("sentences",),
    "diverse": ("diverse",),
    "instructions": ("instructions",),
}
# What each source of images is made of (names under `archives`), and the splits it knows, the default first.
ARCHIVES_OF = {
    "cifar10": ("data",),
    "cifar100": ("data",),
    "caltech101": ("images",),
    "cars": ("train", "test", "devkit", "test_labels"),
    "flowers102": ("images", "labels", "splits"),
    "pets": ("images", "annotations"),
    "dtd": ("data",),
    "folder": (),
    "drawn": (),
}
SPLITS_OF = dict.fromkeys(("cifar10", "cifar100", "cars", "pets", "drawn"), ("official",)) | {
    "caltech101": (),
    "flowers102": ("official", "trainval"),
    "dtd": tuple(f"partition-{number}{end}" for number in range(1, 11) for end in ("", "-trainval")),
    "folder": ("given",),
}
NAMELESS = ("flowers102", "pets")  # sources whose class names come from a file of their own
STAGE_MODELS = ("blip", "clip", "t5")  # what captions, scores and sentences are made with, whatever the recipe


def check_references(config: dict) -> None:
    """Raise ConfigError at the first dangling name or impossible noise rate."""
    require("build", config["build"], config["tables"] | config["figures"])
    require("models", STAGE_MODELS, config["models"])
    require("plan_device", filter(None, [config.get("plan_device")]), config.get("devices", {}))
    if config["similarity"]["mode"] == "blip_itc":
        require_retrieval_model(config["models"])
    require("selection.backbone", [config["selection"]["backbone"]], config["backbones"])
    for name, entry in config["datasets"].items():
        check_dataset(f"datasets.{name}", entry)
    for name, backbone in config["backbones"].items():
        if backbone.get("weights"):
            require(f"backbones.{name}.weights", [backbone["weights"]], config["models"])
    check_recipes(config["recipes"], config["models"])
    for name, method in config["methods"].items():
        check_method(f"methods.{name}", method, config["recipes"])
    check_reject_lists("training", config["training"])
    check_per_original(config)
    for kind in ("tables", "figures"):
        for name, entry in config[kind].items():
            check_selection(f"{kind}.{name}", entry, config)
    for name, entry in config["figures"].items():
        check_figure(f"figures.{name}", entry, config)


def check_trained(config: Mapping, sizes: Mapping[str, Mapping]) -> None:
    """Whatever shows trained classifiers is of data sets with test images. sizes: of `DatasetRegistry.sizes`."""
    shown = [(kind, name, entry) for kind in ("tables", "figures") for name, entry in config[kind].items()]
    for kind, name, entry in shown:
        for dataset in entry["datasets"] if "backbones" in entry else []:
            if sizes[dataset].get("test") == 0:
                raise ConfigError(
                    f"{kind}.{name}.datasets: {dataset!r} has no test images, so nothing can be trained on it and "
                    f"measured; give datasets.{dataset}.split a share of test, or only redraw it (snakemake augment)"
                )


def require_retrieval_model(models: Mapping) -> None:
    """`blip_itc` compares in the space of a model that no other part uses, so an overlay must name it."""
    if "blip_itm" not in models:
        raise ConfigError(
            "similarity.mode: blip_itc needs models.blip_itm, BLIP's retrieval checkpoint, which is not named; see "
            "`similarity` in config/README.md"
        )


def check_dataset(path: str, entry: dict) -> None:
    """What a source needs: its archives or its folder, its sizes, and a split that it or a split file knows."""
    source = entry["source"]
    archives = entry.get("archives", {})
    require(f"{path}.archives", archives, ARCHIVES_OF[source])
    missing = [role for role in ARCHIVES_OF[source] if role not in archives]
    if missing:
        raise ConfigError(f"{path}.archives: source {source!r} needs {', '.join(missing)}")
    for role, archive in archives.items():
        if not {"file", "urls"} <= archive.keys() or not {"md5", "sha256"} & archive.keys():
            raise ConfigError(f"{path}.archives.{role}: needs `file`, `urls` (perhaps []), and `md5` or `sha256`")
    needed = ("folder", "split") if source == "folder" else ("classes", "train", "test")
    for key in needed:
        if key not in entry:
            raise ConfigError(f"{path}.{key}: source {source!r} needs it")
    split = entry.get("split")
    if isinstance(split, str):
        require(f"{path}.split", [split], [*entry.get("splits", {}), *SPLITS_OF[source]])
    elif split is not None and source != "folder":
        raise ConfigError(f"{path}.split: only a folder is split by shares; give the name of a split")
    elif split is not None and entry["validation"] == "official":
        raise ConfigError(f"{path}.validation: a split by shares has no validation images; give a share of train")
    if source in NAMELESS and "class_names" not in entry:
        raise ConfigError(f"{path}.class_names: the archives of {source!r} name no classes; give a file of names")


def check_method(path: str, method: dict, recipes: dict) -> None:
    """A method's recipes, its own settings of training, and what it asks of generated images."""
    images, training = method.get("images", []), method.get("training", {})
    images = [images] if isinstance(images, str) else images
    require(f"{path}.images", images, recipes)
    check_reject_lists(f"{path}.training", training)
    for key in [] if images else asking_for_images(method):
        raise ConfigError(f"{path}.{key}: the method draws no images, so this changes nothing; leave it out")
    refuse_few(f"{path}.training.per_original", training.get("per_original") or 1, method, recipes)


def check_per_original(config: dict) -> None:
    """The setting of all methods asks no recipe of the build for more pictures of an original than it draws."""
    wanted = config["training"].get("per_original") or 1
    tables = [config["tables"][name] for name in config["build"] if name in config["tables"]]
    rows = {row for table in tables for members in table["groups"].values() for row in members}
    exchanged = {
        method
        for table in tables
        for key in ("instead", "variants")
        for exchange in table.get(key, {}).values()
        for method in exchange.values()
    }
    for name in sorted(rows | exchanged):
        method = config["methods"].get(name, {})
        if "per_original" not in method.get("training", {}):
            refuse_few(f"training.per_original, for methods.{name}", wanted, method, config["recipes"])


def refuse_few(path: str, wanted: int, method: dict, recipes: dict) -> None:
    """A recipe of the method draws fewer pictures of an original than are wanted."""
    images = method.get("images", [])
    for recipe in [images] if isinstance(images, str) else images:
        drawn = resolved(recipes)[recipe]["replicates"]
        if wanted > drawn:
            raise ConfigError(
                f"{path}: {wanted} is more than the replicates of recipes.{recipe} ({drawn}); lower it, or raise them"
            )


def asking_for_images(method: dict) -> list[str]:
    """The paths of a method's keys that mean something only beside generated images."""
    online = method.get("online", {}).items()
    keys = [f"training.{key}" for key in OF_GENERATED if key in method.get("training", {})]
    places = [
        (f"online.{name}{place}.only", part)
        for name, options in online
        for place, part in (("", options), (".small_images", options.get("small_images", {})))
    ]
    return keys + [path for path, part in places if part.get("only", "all") != "all"]


def check_reject_lists(path: str, training: dict) -> None:
    """Every list is there and can be read; Snakemake would only say that a rule's input is missing."""
    for file in training.get("exclude", []):
        try:
            read_rejects(file)
        except ValueError as error:
            raise ConfigError(f"{path}.exclude: {error}") from None


def check_selection(path: str, entry: dict, config: dict) -> None:
    """The axes of one table or figure."""
    methods, recipes = config["methods"], config["recipes"]
    require(f"{path}.datasets", entry["datasets"], config["datasets"])
    require(f"{path}.backbones", entry.get("backbones", []), config["backbones"])
    groups = entry.get("groups", {})
    for group, rows in groups.items():
        require(f"{path}.groups.{group}", rows, methods)
    require(f"{path}.rows", entry.get("rows", []), methods if "backbones" in entry else methods | recipes)
    rows = [*entry.get("rows", []), *(row for members in groups.values() for row in members)]
    for key, known in (("instead", config["datasets"]), ("variants", entry.get("variants", {}))):
        require(f"{path}.{key}", entry.get(key, {}), known)
        for name, exchange in entry.get(key, {}).items():
            require(f"{path}.{key}.{name}", exchange, methods)
            require(f"{path}.{key}.{name}", exchange.values(), methods)
    require(f"{path}.row_titles", entry.get("row_titles", {}), methods)
    if "star" in entry:
        require(f"{path}.star.group", [entry["star"]["group"]], groups)
        require(f"{path}.star.row", [entry["star"]["row"]], rows)
