"""The repository's configuration, the mirrors of a download and a hub of models, for any test that asks for them."""

import copy

import pytest
from configuration_files import FILES, read_config
from downloads import folder, mirror  # noqa: F401 - fixtures
from model_hub import hub, model_folder, online  # noqa: F401 - fixtures


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


def pytest_collection_modifyitems(items):
    """Tests of one file share a process of pytest-xdist, as they share fixtures; so do all that need the demo."""
    for item in items:
        group = "demo" if "demo" in item.fixturenames else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
