"""The repository's configuration, for any test that asks for it."""

import copy

import pytest
from configuration_files import FILES, read_config


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
