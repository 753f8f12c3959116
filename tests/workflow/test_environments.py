"""One set of pins: the lock, the conda files made from it, and what pyproject asks for."""

import re
import tomllib

import pytest
import yaml
from snake import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, flags=re.MULTILINE))
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
