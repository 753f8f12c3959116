"""The repository's configuration and the mirrors of a download, for any test that asks for them."""

import copy

import pytest
from configuration_files import FILES, read_config
from downloads import folder, mirror  # noqa: F401 - fixtures


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
