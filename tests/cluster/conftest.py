"""One build on the SLURM of the tests, for all tests here."""

import os
import time
from pathlib import Path

import pytest
from slurm_checkout import Checkout
from slurm_cluster import missing_programs
from snake import ROOT

from sgid.runtime import provenance

HEADING = """# Faults on a real SLURM

Written by `make faults` on {date}, at or after commit {commit}: SLURM 22.05 on loopback
(tests/support/slurm_cluster.py), the tiny models of the demo, {processors} processors. After each fault the results of
before were untouched (times and hashes), no picture was drawn twice, and a plain rerun had nothing to do. Two more, a
cancelled drawing and a training warned of its time limit, are met in the gate (tests/cluster/test_faults.py).

| what happened | jobs done again | seconds from there to the end |
|---|---|---|
"""


def pytest_collection_modifyitems(config, items):
    """Without SLURM one test of this folder is left, to be skipped with the one sentence that says so."""
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    if missing_programs() and here:
        config.hook.pytest_deselected(items=here[1:])
        items[:] = [item for item in items if item not in here[1:]]


@pytest.fixture(scope="session")
def finished(cluster, tmp_path_factory):
    """The build from nothing, and what SLURM knew of it at its end."""
    checkout = Checkout(tmp_path_factory.mktemp("build") / "checkout", cluster)
    checkout.run("all")
    return checkout, checkout.jobs()


@pytest.fixture
def built(finished, slurm):
    """The finished build, to go on from on a tidy cluster."""
    return finished[0]


@pytest.fixture(scope="session")
def fault_log():
    """docs/faults/slurm.md, begun anew."""
    path, commit = ROOT / "docs/faults/slurm.md", provenance()["commit"][:7]
    path.write_text(HEADING.format(date=time.strftime("%Y-%m-%d"), commit=commit, processors=os.cpu_count()))
    return path


@pytest.fixture
def note(request, fault_log):
    """Adds a line to the log: the test's sentence, what was done again, how long it all took."""
    began = time.monotonic()

    def write(what: str) -> None:
        sentence = request.node.name.removeprefix("test_").replace("_", " ")
        with open(fault_log, "a") as stream:
            stream.write(f"| {sentence} | {what} | {time.monotonic() - began:.0f} |\n")

    return write
