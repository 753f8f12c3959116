"""The cheap rules of analysis list the modules behind them: a gap leaves a figure stale, a surplus redraws it in vain.

Modules are followed by names: from what an entry script imports to what those functions, classes and constants mention.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from test_layering import RULES, SCRIPTS

LISTED = {
    rule: set(re.findall(r'"(\w+)"', "".join(found)))
    for rule, body in RULES.items()
    if (found := re.findall(r"modules\(([^)]*)\)", body))
}
# How files are read and written shows nowhere, what the matrix answers comes as params, and new seeds draw all anew.
BESIDE = {"runtime", "image_table", "image_sets", "matrix", "seeding"}


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@cache
def contents(module: str) -> tuple[dict[str, tuple[str, str]], dict[str, set[str]]]:
    """What a module or entry script imports from the package: name to module and name there; and what its own names
    mention, under "" whatever stands by itself."""
    tree = ast.parse((SCRIPTS / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8"))
    imports = [each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) and each.module.startswith("sgid.")]
    own: dict[str, set[str]] = {"": set()}
    for node in tree.body:
        target = getattr(node, "target", None) or next(iter(getattr(node, "targets", [])), None)
        named = {node.name} if hasattr(node, "name") else names_in(target) if target else {""}
        for name in named:
            own.setdefault(name, set()).update(names_in(node))
    return {each.asname or each.name: (line.module, each.name) for line in imports for each in line.names}, own


def behind(rule: str) -> set[str]:
    """The modules of which a rule's entry script reaches anything, not followed into those beside it."""
    found, waiting = {("", "")}, [(rule, "")]
    while waiting:
        module, name = waiting.pop()
        imported, own = contents(module)
        mentioned = {name} if name in imported else own.get(name, set()) | own[""]
        reached = {imported.get(each, (module, each)) for each in mentioned if each in imported or each in own}
        waiting += {each for each in reached - found if each[0].removeprefix("sgid.") not in BESIDE}
        found |= reached
    return {module.removeprefix("sgid.") for module, _ in found} - BESIDE - {"", rule}


@pytest.mark.parametrize("rule", LISTED)
def test_a_rule_that_lists_the_code_behind_it_lists_all_of_it_and_no_more(rule):
    assert LISTED[rule] == behind(rule)
