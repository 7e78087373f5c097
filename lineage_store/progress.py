"""How far a long piece of work has come, told to whoever listens.

TFX builds and calls executors itself, so a callback cannot be handed to them; the listener is kept
in a context variable instead. Without a listener, telling costs nothing. What a listener is told of
with a total of 0 is not counted: it has begun.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]

_listener: ContextVar[Listener | None] = ContextVar("unweave_progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener(what, done, total)` called from the work inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def phase(what: str) -> None:
    """Tell the listener that work of another kind begins, of which nothing is counted."""
    listener = _listener.get()
    if listener is not None:
        listener(what, 0, 0)


def counter(what: str, total: int) -> Callable[[int], None]:
    """Return a function that adds to what is done of `what` and tells the listener."""
    done = 0

    def add(amount: int) -> None:
        nonlocal done
        done += amount
        listener = _listener.get()
        if listener is not None:
            listener(what, done, total)

    return add
