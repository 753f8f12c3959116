"""The configuration as Snakemake merges it: mappings merge, lists replace."""

from pathlib import Path

import yaml

CONFIG = Path(__file__).parents[2] / "config"
FILES = ("config", "datasets", "backbones", "methods", "tables", "devices")


def laid_over(base: dict, changes: dict) -> dict:
    both = {key: laid_over(base[key], new) for key, new in changes.items() if isinstance(base.get(key), dict)}
    return base | changes | both


def read_config(*names: str) -> dict:
    merged: dict = {}
    for name in names:
        merged = laid_over(merged, yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8")))
    return merged
