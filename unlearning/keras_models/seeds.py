"""Python's random numbers for one thread, seeded.

Keras draws the seeds of initial weights and of dropout from Python's generator, which all threads
of a process share. The threads of a runner draw from it too (Dask's do, for its heartbeats), and
each of their draws would move all later weights: seen as shards whose bits differed now and then.
So while a model is built, this thread draws from a generator of its own, and the others go on with
the one that they know. The numbers are those that `random.seed` would give.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DRAWS = tuple(
    name
    for name in random.__all__
    if callable(getattr(random.Random, name, None)) and name not in ("Random", "SystemRandom")
)
_one_at_a_time = threading.RLock()


def set_seeds(seed: int) -> None:
    """Seed Keras's, NumPy's, Python's and TensorFlow's own generators, for all threads."""
    import keras

    keras.utils.set_random_seed(seed % (1 << 32))


@contextmanager
def seeded_for_this_thread(seed: int) -> Iterator[None]:
    """Seed Keras, NumPy and TensorFlow, and give this thread Python's numbers to itself."""
    set_seeds(seed)
    mine, here = random.Random(seed % (1 << 32)), threading.get_ident()
    with _one_at_a_time:
        before = {name: getattr(random, name) for name in DRAWS}
        for name, shared in before.items():
            setattr(random, name, _for_thread(here, getattr(mine, name), shared))
        try:
            yield
        finally:
            for name, shared in before.items():
                setattr(random, name, shared)


def _for_thread(
    thread: int, own: Callable[..., Any], shared: Callable[..., Any]
) -> Callable[..., Any]:
    def draw(*arguments: Any, **named: Any) -> Any:
        chosen = own if threading.get_ident() == thread else shared
        return chosen(*arguments, **named)

    return draw
