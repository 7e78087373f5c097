"""The workspace that all exports are tried on, made once and never written to."""

import pytest

from fixtures.lived import live


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """A project that has lived."""
    return live(tmp_path_factory.mktemp("lived"))
