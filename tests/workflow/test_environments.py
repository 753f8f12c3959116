"""One set of pins: the lock, the conda files and the image made from it, what pyproject asks for and rules load."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml
from snake import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, flags=re.MULTILINE))
SCRIPTS = ROOT / "workflow_scripts"
DISTRIBUTIONS = packages_distributions()
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_conda_environments_hold_the_pins_of_the_lock(path):
    packages = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    pins = {normal(name): version for name, version in PINS.items()}
    assert packages
    assert not [each for each in packages if pins.get(normal(each.split("==")[0])) != each.split("==")[1]]


def test_the_lock_holds_names_versions_and_hashes_only():
    lines = [line for line in LOCK.splitlines() if line and not line.startswith("#")]
    pin = re.compile(r"[\w.-]+==[\w.+!]+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert not [line for line in lines if not pin.fullmatch(line)]


def test_every_direct_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["test"], *groups["lint"]]
    locked = {normal(name) for name in PINS}
    assert not [each for each in wanted if normal(re.match(r"[\w.-]+", each).group()) not in locked]


def imported(path):
    """Full names that a file imports as it is loaded; what a function imports late is that function's affair."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for each in ast.walk(node) if isinstance(node, (ast.With, ast.Try, ast.If)) else [node]:
            if isinstance(each, ast.Import):
                found |= {alias.name for alias in each.names}
            elif isinstance(each, ast.ImportFrom):
                parents = path.relative_to(SCRIPTS).parts[:-1] if each.level else ()
                base = ".".join([*parents[: len(parents) - each.level + 1], each.module or ""])
                found |= {base, *(f"{base}.{alias.name}" for alias in each.names)}
    return found


def loaded(path):
    """Top-level packages in memory once a script and the modules of ours behind it are loaded."""
    packages, seen, todo = set(), set(), [path]
    while todo:
        names = imported(todo.pop())
        packages |= {name.split(".")[0] for name in names}
        files = {SCRIPTS / f"{name.replace('.', '/')}{end}" for name in names for end in (".py", "/__init__.py")}
        todo += [file for file in files if file.exists() and file not in seen]
        seen |= files
    return packages - sys.stdlib_module_names - {"sgid"}


SCRIPT_RULES = {
    name: (environment, SCRIPTS / script)
    for rules in sorted((ROOT / "rules").glob("*.smk"))
    for name, environment, script in re.findall(
        r'^rule (\w+):\n(?:(?!^rule ).*\n)*?        "\.\./envs/(\w+)\.yaml"\n'
        r'(?:(?!^rule ).*\n)*?        "\.\./workflow_scripts/(\w+\.py)"',
        rules.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
}


def test_every_entry_script_has_its_environment():
    assert {script.name for _, script in SCRIPT_RULES.values()} == {path.name for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize("rule", SCRIPT_RULES)
def test_the_environment_of_a_rule_has_what_its_script_loads(rule):
    environment, script = SCRIPT_RULES[rule]
    listed = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text())["dependencies"][-1]["pip"]
    have = {normal(each.split("==")[0]) for each in listed}
    lacking = {name for name in loaded(script) if not {normal(each) for each in DISTRIBUTIONS[name]} & have}
    assert not lacking


IMAGE = (ROOT / "containers/sgid.def").read_text(encoding="utf-8")


def section(name):
    return re.search(rf"^%{name}\n((?:(?!%).*\n)*)", IMAGE, flags=re.MULTILINE)[1]


def test_the_image_is_made_of_the_lock_and_nothing_else():
    assert "requirements.lock /opt/sgid/requirements.lock" in section("files")
    assert re.findall(r"pip install (.*)", section("post")) == [
        "--no-cache-dir --require-hashes --requirement /opt/sgid/requirements.lock"
    ]
    assert "http" not in IMAGE


def test_the_image_is_tested_with_what_every_stage_loads():
    tested = set(re.search(r'-c "import (.*)"', section("test"))[1].split(", "))
    heavy = {"torch", "torchvision", "diffusers", "transformers", "open_clip", "timm", "pyarrow", "matplotlib"}
    assert tested == heavy


@pytest.mark.parametrize("name", ["post", "environment", "runscript", "test"])
def test_the_sections_of_the_image_are_shell(name):
    done = subprocess.run(["sh", "-n"], input=section(name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
