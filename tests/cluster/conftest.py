"""One build on the SLURM of the tests, for all tests here."""

import os
import time
from pathlib import Path

import pytest
from fault_log import with_line
from slurm_checkout import Checkout
from slurm_cluster import missing_programs
from snake import ROOT

from sgid.runtime import provenance

LOG = ROOT / "docs/faults/slurm.md"


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


@pytest.fixture
def note(request):
    """Writes the test's line of the log: its sentence, what was done again, how long it all took, when and on what."""
    began = time.monotonic()

    def write(what: str) -> None:
        commit, day = provenance()["commit"][:7], time.strftime("%Y-%m-%d")
        cells = [what, f"{time.monotonic() - began:.0f}", f"{day}, {commit}, {os.cpu_count()} processors"]
        LOG.write_text(with_line(LOG.read_text(), request.node.name, cells))

    return write
