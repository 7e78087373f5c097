"""The engine of an executor: who carries out the shards of a component that trains, with what.

TFX builds and calls executors itself, so none can be passed a value that is no text. Those that run
in the process that asked take the engine of the block that they run in (`using`); those that an
orchestrator starts read the environment variables UNWEAVE_WORKERS and UNWEAVE_BEAM_ARGS, here and
nowhere else.

So it is with learners: one that was made before the pipeline began, with its step traced, is at
hand in the same process, and the components that unlearn and check need not make it again.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from unlearning.fitting.engines import ShardEngine, engine_from
from unlearning.fitting.shard_task import MakeLearner

NONE_MADE: Mapping[str, MakeLearner] = {}

_engine: ContextVar[ShardEngine | None] = ContextVar("unweave_shard_engine", default=None)


_made: ContextVar[Mapping[str, MakeLearner]] = ContextVar("unweave_learners", default=NONE_MADE)


@contextmanager
def using(
    engine: ShardEngine | None, *, made: Mapping[str, MakeLearner] = NONE_MADE
) -> Iterator[None]:
    """Have executors inside the block carry out their shards on this engine, if one is given.

    `made` are learners that are there already, by the model that they were made for.
    """
    engine_token, made_token = _engine.set(engine), _made.set(made)
    try:
        yield
    finally:
        _made.reset(made_token)
        _engine.reset(engine_token)


def executor_engine() -> ShardEngine:
    """Return the engine of the block that this executor runs in, or that the environment names."""
    return _engine.get() or engine_from(os.environ)


def executor_learner(model: str) -> MakeLearner | None:
    """Return what gives the learner that was made for a model, if it was in this block."""
    return _made.get().get(model)
