"""How the runs of a method are trained: `training` of the configuration, the method's own over it.

Standard library only, for Snakemake asks while it reads the rules.
"""

# What says how generated pictures enter; without any, these change nothing, and so make no plain run again.
OF_GENERATED = ("mix", "replace_probability", "per_original", "exclude", "budget")
# Input files, or without effect on the result: no params of a rule.
NO_PARAMS = ("exclude", "checkpoint_minutes", "pack_seeds")


def training_of(config: dict, method: str | None) -> dict:
    """The settings that decide what a run of the method comes to; None is a candidate of a selection."""
    idle = NO_PARAMS if draws(config, method) else NO_PARAMS + OF_GENERATED
    return {key: value for key, value in merged(config, method).items() if key not in idle}


def plain(config: dict) -> dict:
    """The settings that decide what a classifier of the originals alone comes to, whatever methods lay over them."""
    return {key: value for key, value in config["training"].items() if key not in NO_PARAMS + OF_GENERATED}


def reject_lists_of(config: dict, method: str | None) -> list[str]:
    """The reject lists whose pictures a run of the method leaves out."""
    return merged(config, method)["exclude"] if draws(config, method) else []


def validation_of(config: dict, dataset: str, method: str) -> list[str]:
    """The validation images that the runs of a method need and are not trained on: none where the last epoch counts."""
    best = merged(config, method)["report"] == "best_on_validation"
    return [f"results/datasets/{dataset}/validation.parquet"] if best else []


def merged(config: dict, method: str | None) -> dict:
    """The settings of all runs with the method's own laid over them."""
    return config["training"] | (config["methods"][method].get("training", {}) if method else {})


def draws(config: dict, method: str | None) -> bool:
    """Whether runs of the method are given generated pictures; candidates always are."""
    return method is None or "images" in config["methods"][method]
