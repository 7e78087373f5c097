"""To which of its addresses a name leads."""

import socket

import pytest

from unweave.web.process.outgoing import TRIED, connected


@pytest.fixture
def listening():
    """The port of something that listens on version 4 of IP alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("to", [("127.0.0.1",), ("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_an_address_that_answers_is_found_beside_one_that_does_not(listening, to):
    with connected(to, listening, 5.0) as found:
        assert found.getpeername() == ("127.0.0.1", listening)


def test_where_none_answers_that_is_said_and_of_many_some_are_tried(listening):
    for to in (["::1"], ["::1"] * TRIED + ["127.0.0.1"]):
        with pytest.raises(OSError):
            connected(to, listening, 5.0)
