"""The engine of an executor: who carries out the shards of a component that trains.

TFX builds and calls executors itself, so none can be passed a value that is no text. Those that run
in the process that asked take the engine of the block that they run in (`using`); those that an
orchestrator starts read the environment variables UNWEAVE_WORKERS and UNWEAVE_BEAM_ARGS, here and
nowhere else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from unlearning.fitting.engines import ShardEngine, engine_from

_engine: ContextVar[ShardEngine | None] = ContextVar("unweave_shard_engine", default=None)


@contextmanager
def using(engine: ShardEngine | None) -> Iterator[None]:
    """Have executors inside the block carry out their shards on this engine, if one is given."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)


def executor_engine() -> ShardEngine:
    """Return the engine of the block that this executor runs in, or that the environment names."""
    return _engine.get() or engine_from(os.environ)
