"""Whether figures refer only to what the registries define, and to what their kind can show (standard library only)."""

from sgid.refusals import ConfigError, require

DRAWN_ONLY = ("gallery", "grid")  # kinds of figures with one column for each set of drawn images
WITHOUT_PICTURES = ("classes", "curves", "cost")  # kinds of figures whose rows need no recipe of their own
OF_RUNS = ("overview", "classes", "curves", "cost")  # kinds of figures that show trained classifiers
OF_ONE_SET = ("similarity", "plane", "grid", "gallery")  # kinds of figures that show one data set
WITH_GAINS = ("overview", "classes", "cost")  # and those that compare them with the backbone's


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
    if entry["kind"] == "noise":
        check_rows_differ(path, entry, methods)
    for row in entry["rows"] if entry["kind"] in DRAWN_ONLY else []:
        if row in methods and row not in images and "images" not in methods[row]:
            raise ConfigError(f"{path}.rows: {row!r} draws no images; name a method or recipe that does")


def check_rows_differ(path: str, entry: dict, methods: dict) -> None:
    """Rates are chosen for a recipe, so two rows that share one would be one line."""
    row_of: dict[str, str] = {}
    for row in entry["rows"]:
        recipe = entry.get("images", {}).get(row) or methods.get(row, {}).get("images", row)
        if recipe in row_of:
            raise ConfigError(
                f"{path}.rows: {row_of[recipe]!r} and {row!r} share the recipe {recipe!r}, whose rates are chosen "
                "once; name one of them"
            )
        row_of[recipe] = row
