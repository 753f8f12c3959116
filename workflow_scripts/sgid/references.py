"""Whether the registries refer only to what they define; every refusal names the path of the offending key."""

from collections.abc import Mapping

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
DRAWN_ONLY = ("gallery", "grid")  # kinds of figures with one column for each set of drawn images
WITHOUT_PICTURES = ("classes", "curves", "cost")  # kinds of figures whose rows need no recipe of their own
OF_RUNS = ("overview", "classes", "curves", "cost")  # kinds of figures that show trained classifiers
OF_ONE_SET = ("similarity", "plane", "grid", "gallery")  # kinds of figures that show one data set
WITH_GAINS = ("overview", "classes", "cost")  # and those that compare them with the backbone's


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
    return keys + [f"online.{name}.only" for name, options in online if options.get("only", "all") != "all"]


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


def check_figure(path: str, entry: dict, config: dict) -> None:
    """What only figures have: pictures of other recipes, measurements of other figures."""
    methods, recipes, images = config["methods"], config["recipes"], entry.get("images", {})
    require(f"{path}.images", images, methods | recipes)
    require(f"{path}.images", images.values(), recipes)
    require(f"{path}.measures", [entry["measures"]] if "measures" in entry else [], config["figures"])
    require(f"{path}.encoder", [entry["encoder"]] if "encoder" in entry else [], config["models"])
    if "encoder" in entry and "measures" in entry:
        raise ConfigError(f"{path}.encoder: figures.{entry['measures']} measures for it; name the encoder there")
    if entry["kind"] in OF_ONE_SET and len(entry["datasets"]) > 1:
        raise ConfigError(f"{path}.datasets: a figure of kind {entry['kind']!r} shows one data set; make one for each")
    if entry["kind"] in OF_RUNS and "backbones" not in entry:
        raise ConfigError(f"{path}.backbones: a figure of kind {entry['kind']!r} shows runs; name their backbones")
    if entry["kind"] in WITH_GAINS and "backbone" not in entry["rows"]:
        raise ConfigError(f"{path}.rows: gains are counted from the row 'backbone', which is not among them; add it")
    for row in [] if entry["kind"] in WITHOUT_PICTURES else entry["rows"]:
        if row not in images and isinstance(methods.get(row, {}).get("images"), list):
            raise ConfigError(f"{path}.rows: {row!r} chooses among several recipes; name one under {path}.images")
    for row in entry["rows"] if entry["kind"] in DRAWN_ONLY else []:
        if row in methods and row not in images and "images" not in methods[row]:
            raise ConfigError(f"{path}.rows: {row!r} draws no images; name a method or recipe that does")
