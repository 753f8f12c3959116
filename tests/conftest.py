"""The repository's configuration, the mirrors of a download and a hub of models, for any test that asks for them."""

import copy
from pathlib import PurePath

import pytest
from configuration_files import FILES, read_config
from downloads import folder, mirror  # noqa: F401 - fixtures
from model_hub import hub, model_folder, online  # noqa: F401 - fixtures
from slurm_cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def paper_config():
    """Read once, never to be changed; a test that changes something takes `config`."""
    return read_config(*FILES)


@pytest.fixture
def config(paper_config):
    return copy.deepcopy(paper_config)


@pytest.fixture
def demo_config():
    return read_config(*FILES, "demo")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of one file share a process of pytest-xdist, as they share fixtures; so do all of the demo, of SLURM."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = PurePath(nodeid.split("::")[0])
            return str(file.parent if file.parent.name in ("demo", "cluster") else file)

    return ByFile(config, log)


@pytest.fixture(scope="session")
def cluster():
    """One SLURM for all tests that ask for it; a test takes `slurm`."""
    if missing := missing_programs():
        pytest.skip(missing)
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(cluster):
    """The cluster as it was made: no jobs of another test, every node at work."""
    yield cluster
    cluster.tidy()
