"""Each command that README shows is one that works."""

import re
import shlex
import subprocess

import pytest
from snake import ROOT, snakemake

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted({line.split("  #")[0].strip() for line in re.findall(r"^\$ (.+)$", README, flags=re.MULTILINE)})
SNAKEMAKE = [command for command in COMMANDS if command.startswith("snakemake ")]
MAKE = [command for command in COMMANDS if command.startswith("make ")]


def test_readme_shows_the_two_commands_that_everyone_needs():
    assert {"make demo", "make test"} <= set(COMMANDS)
    assert SNAKEMAKE


def test_readme_shows_no_command_that_no_test_looks_at():
    known = (*SNAKEMAKE, *MAKE)
    others = [command for command in COMMANDS if command not in known and not command.startswith(("git clone ", "cd "))]
    assert not others


@pytest.mark.parametrize("command", SNAKEMAKE)
def test_snakemake_plans_each_command_of_readme(command):
    words = shlex.split(command)[1:]
    call = snakemake(*words, *([] if "-n" in words else ["-n"]), "--quiet")
    assert call.code == 0, call.text


@pytest.mark.parametrize("command", MAKE)
def test_make_knows_each_target_of_readme(command):
    target = shlex.split(command)[1]
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_fits_on_three_screens():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert max(map(len, lines)) <= 200


def test_files_that_readme_links_to_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert not [link for link in links if not link.startswith("results/") and not (ROOT / link).exists()]
