"""Whole runs, from configuration to ledger and served model, on one process or many.

fit         a training run, a deletion run, and a twin's
shard_task  one shard's part, as a value that any process can carry out
marks       digests of whole states, by which a later run earns what it takes over
engines     who carries tasks out; `beam` the pipeline's process, `worker` its workers' part
executor_engine  the engine of a TFX component's executor
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.fitting.engines import HERE, ShardEngine, engine_of
    from unlearning.fitting.shard_task import MakeLearner, learner_of
else:
    __getattr__ = lazily(
        __name__,
        {
            "engines": ("HERE", "ShardEngine", "engine_of"),
            "shard_task": ("MakeLearner", "learner_of"),
        },
    )

__all__ = [
    "HERE",
    "MakeLearner",
    "ShardEngine",
    "engine_of",
    "executor_engine",
    "fit",
    "learner_of",
]
