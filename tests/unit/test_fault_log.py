"""The log of faults: a run replaces the lines of its own faults and nothing else."""

import re
from pathlib import Path

from fault_log import sentence_of, with_line

ROOT = Path(__file__).parents[2]
LOG = "# Faults\n\nBy hand.\n\n| what | again |\n|---|---|\n| a node is lost | none |\n| a disk is full | one |\n"


def test_a_fault_that_ran_has_its_new_line_in_the_old_place_and_all_else_stays():
    assert with_line(LOG, "test_a_node_is_lost", ["two"]) == LOG.replace("none", "two")


def test_a_new_fault_has_the_last_line():
    assert with_line(LOG, "test_a_node", ["two"]) == LOG + "| a node | two |\n"


def test_the_log_has_a_line_for_each_test_of_a_fault_and_for_no_other():
    tests = re.findall(r"^def (test_\w+)", (ROOT / "tests/cluster/test_slow_faults.py").read_text(), re.MULTILINE)
    lines = (ROOT / "docs/faults/slurm.md").read_text().partition("|---|---|")[2].splitlines()[1:]
    assert {line.split(" | ")[0].removeprefix("| ") for line in lines} == set(map(sentence_of, tests))
