"""What the tests of several rooms of `unlearning` share."""

import pytest

from unlearning.strategies.known_strategies import register, unregister


@pytest.fixture
def registered():
    """Return a function that registers a strategy until the test ends."""
    names = []

    def one(strategy):
        register(strategy)
        names.append(strategy.name)
        return strategy.name

    yield one
    for name in names:
        unregister(name)
