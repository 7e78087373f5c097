"""A workspace with requests, made once, and its desk; passwords that are kept in no time."""

import pytest

from fixtures.desk_users import quick_passwords
from fixtures.small_desk import desk_of, make_workspace


@pytest.fixture(scope="session")
def workspace_of_requests(tmp_path_factory):
    """A workspace with requests in many states, to be copied."""
    return make_workspace(tmp_path_factory.mktemp("requests"))


@pytest.fixture
def desk(workspace_of_requests, tmp_path):
    """The desk of a copy."""
    return desk_of(workspace_of_requests, tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Make passwords quick; a test of them undoes it."""
    quick_passwords(monkeypatch)
