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


def test_however_many_addresses_a_name_has_they_are_tried_within_the_same_seconds(monkeypatch):
    waited = []

    def silent(address, timeout):
        waited.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    for count in (1, 2, TRIED, TRIED * 5):
        waited.clear()
        with pytest.raises(TimeoutError):
            connected(["192.0.2.1"] * count, 443, 10.0)
        assert len(waited) == min(count, TRIED) and sum(waited) == pytest.approx(10.0)
