"""Names that can be asked for on the command line: two of one name are refused (standard library only)."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sgid.references import ConfigError

RULES = Path(__file__).parents[2] / "rules"
# What each table and figure is a target by: itself, what tells of it, and what packs it.
SHOWN = ("{}", "plan_{}", "preflight_{}", "status_{}", "archive_{}")
# What each entry of a registry is a target by.
TARGETS_OF = {
    "datasets": ("dataset_{}",),
    "tables": (*SHOWN, "progress_{}"),
    "figures": SHOWN,
    "human": ("{}",),
}
WHOLE = ("archive_build", "archive_images")  # of rules/targets.smk, which names them in a loop with the others


def rule_names(folder: Path = RULES) -> set[str]:
    """The rules that are written out; those of tables, figures and the like follow from the configuration."""
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.smk"))
    found = {name for text in texts for name in re.findall(r"^(?:rule|checkpoint) (\w+):", text, flags=re.MULTILINE)}
    return found | set(WHOLE)


def check_names(config: Mapping, rules: Collection[str]) -> None:
    """Raise ConfigError for an entry whose target is a rule of the workflow, or another entry's target."""
    taken: dict[str, str] = dict.fromkeys(rules, "a rule of the workflow")
    for path, target in _targets(config):
        if target in taken:
            raise ConfigError(f"{path}: its target {target!r} is also {taken[target]}; give the entry another name")
        taken[target] = f"that of {path}"


def _targets(config: Mapping) -> Iterator[tuple[str, str]]:
    for registry, forms in TARGETS_OF.items():
        for name in config[registry]:
            yield from ((f"{registry}.{name}", form.format(name)) for form in forms)
