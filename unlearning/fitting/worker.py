"""A worker's part: carry out a task that another process made.

What goes wrong on purpose (bad input, a full disk) is left in the run's folder and not raised: to a
runner every exception is the same, and it would only try again. Of any other error the kind is
left, and the runner has it.
"""

import functools
from pathlib import Path

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.data import Schema
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput, UnweaveError
from lineage_store.rows import open_rows
from unlearning.families.family import Learner, ModelSource
from unlearning.families.known_families import family_of
from unlearning.fingerprint.environment import differing
from unlearning.fitting.shard_task import ShardTask, carry_out, has_ticket, made_with
from unlearning.training.config import TrainConfig

FAILED = "failed.json"
LAST_ERROR = "error.txt"


def train_one(element: tuple[str, str]) -> None:
    """Carry out one task; an element is the task as text, and the folder to leave errors in."""
    text, folder = element
    try:
        with translated():
            carry_out_apart(ShardTask.from_json(text))
    except UnweaveError as error:
        leave_failure(Path(folder), error)
    except Exception as error:
        write_atomic(Path(folder) / LAST_ERROR, type(error).__name__.encode("utf-8"))
        raise


def leave_failure(folder: Path, error: UnweaveError) -> None:
    """Tell the process that waits why this will not work, however often it is tried."""
    failure = {"kind": type(error).__name__, "message": str(error)}
    write_atomic(folder / FAILED, canonical_json(failure))


def carry_out_apart(task: ShardTask) -> None:
    """Carry out a task with a learner of this process.

    Raises BadInput if this process's environment would give other bits.
    """
    here, there = made_with(task.config.options, task.text), dict(task.made_with)
    if here != there:
        raise BadInput(
            f"A worker cannot train these shards: its {', '.join(differing(there, here))} differ "
            f"from those of the process that asks, and so would its bits."
        )
    if not has_ticket(task):
        return  # nobody waits for it any more
    schema = open_rows(task.rows).schema
    carry_out(task, learner=_learner(task.text, task.config, task.rows, schema))


@functools.lru_cache(maxsize=1)
def _learner(text: str, config: TrainConfig, rows: Path, schema: Schema) -> Learner:
    """Keep the last learner: a worker traces its graph once for all shards that it is given.

    `schema` is part of the key: a folder may hold other rows by the next run.
    """
    store = open_rows(rows)
    family, source = family_of(config.options.model_family), ModelSource(config.module, text)
    return family.open(source, store, options=config.options)
