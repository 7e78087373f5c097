"""Single batches, updates and checkpoints: what went in, and what came of each.

They are named by their place in the plan of a model's training, the newest live model's if none is
named: a batch m1:s0.r1.e2.b3 (shard, stage, epoch, batch), an update m1:s0.p42 (shard, position), a
checkpoint m1:s0.r1 (shard, stage).
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import models
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import Ledger, ShardLedger, open_ledger
from lineage_store.placement import BatchId, batch_of
from lineage_store.rows.row_store import open_rows
from lineage_store.workspace.folder import Workspace

Answer = dict[str, Any]
FORMS = {
    "batch": ("s", "r", "e", "b"),
    "update": ("s", "p"),
    "checkpoint": ("s", "r"),
}
EXAMPLES = {"batch": "s0.r1.e2.b3", "update": "s0.p42", "checkpoint": "s0.r1"}


@dataclass(frozen=True)
class _Place:
    """A live model's ledger, opened at a shard, and the numbers that follow the shard's."""

    record: models.ModelRecord
    ledger: Ledger
    shard: ShardLedger
    numbers: tuple[int, ...]

    def nothing(self, kind: str) -> NothingFound:
        return NothingFound(f"There is no such {kind} in model {self.record.id}.")


def trace_batch(connection: sqlite3.Connection, workspace: Workspace, name: str) -> Answer:
    """Say what went into a batch and what came of it; `name` is [model:]s0.r0.e0.b0.

    Raises BadInput for a name of another form, NothingFound for a batch that there is not.
    """
    place = _place(connection, workspace, "batch", name)
    batch = BatchId(*place.numbers)
    for stage, step in _steps(place.shard, stage=batch.stage):
        if (step.epoch, step.batch) == (batch.epoch, batch.batch):
            return _step(workspace, place, batch, stage, step)
    raise place.nothing("batch")


def trace_update(connection: sqlite3.Connection, workspace: Workspace, name: str) -> Answer:
    """Say which step made an update, from what, and what came of it; `name` is [model:]s0.p42.

    Raises BadInput for a name of another form, NothingFound for an update that there is not.
    """
    place = _place(connection, workspace, "update", name)
    shard, position = place.numbers
    for stage, step in _steps(place.shard, stage=None):
        if step.position == position:
            batch = BatchId(shard, stage.stage, step.epoch, step.batch)
            return _step(workspace, place, batch, stage, step)
    raise place.nothing("update")


def trace_checkpoint(connection: sqlite3.Connection, workspace: Workspace, name: str) -> Answer:
    """Say what a checkpoint was made from, and what came of it; `name` is [model:]s0.r1.

    Raises BadInput for a name of another form, NothingFound for a checkpoint that there is not.
    """
    place = _place(connection, workspace, "checkpoint", name)
    shard, number = place.numbers
    stages = {stage.stage: stage for stage in place.shard.stages()}
    if number not in stages or not place.shard.has_checkpoint(number):
        raise place.nothing("checkpoint")
    stage = stages[number]
    return {
        "model": place.record.id,
        "checkpoint": f"s{shard}.r{number}",
        "digest": stage.checkpoint_digest,
        "file": str(place.shard.checkpoint_file(number)),
        "from_checkpoint": _start_of(stage),
        "rows": stage.rows,
        "rows_digest": stage.rows_digest,
        "steps": stage.steps,
        "epochs": stage.epochs,
        "batches": stage.batches,
        "positions": [stage.first_position, stage.first_position + stage.epochs * stage.batches],
        "trained_for": stage.model,
        "next_checkpoint": f"s{shard}.r{number + 1}" if number + 1 in stages else None,
        "serves": number == max(stages) and not place.shard.final_file.exists(),
    }


def _start_of(stage: StageRecord) -> str | None:
    """Name what a stage started from: fresh weights are None."""
    if stage.start_digest:
        return f"s{stage.shard}.subtracted"
    return f"s{stage.shard}.r{stage.stage - 1}" if stage.stage else None


def _step(
    workspace: Workspace, place: _Place, batch: BatchId, stage: StageRecord, step: StepRecord
) -> Answer:
    path = workspace.absolute(place.record.paths["rows"])
    rows = open_rows(path).stage_rows(batch.shard, batch.stage)
    numbers = batch_of(
        rows.batch_bits,
        seed=place.ledger.partition.seed,
        stage=batch.stage,
        epoch=batch.epoch,
        batches=stage.batches,
    )
    keys = rows.row_keys[numbers == batch.batch]
    return {
        "model": place.record.id,
        "batch": str(batch),
        "update": f"s{batch.shard}.p{step.position}",
        "step": asdict(step),
        "row_keys": [key.tobytes().hex() for key in keys],
        "update_recorded": step.position in place.shard.recorded_updates(),
        "update_subtracted": step.position in place.shard.subtracted(),
        "next_checkpoint": f"s{batch.shard}.r{batch.stage}",
        "trained_for": stage.model,
    }


def _steps(shard: ShardLedger, *, stage: int | None) -> Iterator[tuple[StageRecord, StepRecord]]:
    for record in shard.stages():
        if stage is None or record.stage == stage:
            for step in shard.steps(record.stage):
                yield record, step


def _place(connection: sqlite3.Connection, workspace: Workspace, kind: str, name: str) -> _Place:
    model_id, _, text = name.rpartition(":")
    numbers = place_numbers(kind, text)
    record = models.find_model(connection, model_id or None)
    if record.state != "live":
        raise NothingFound(f"The model {record.id} is {record.state}: its {kind} is gone.")
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    if numbers[0] >= ledger.partition.shards:
        raise NothingFound(f"The model {record.id} has no shard {numbers[0]}.")
    return _Place(record, ledger, ledger.shard(numbers[0]), numbers)


def place_numbers(kind: str, text: str) -> tuple[int, ...]:
    """Read the numbers of a place such as s0.r1; raises BadInput for another form."""
    parts = text.split(".")
    letters = FORMS[kind]
    if tuple(part[:1] for part in parts) != letters or not all(
        part[1:].isdecimal() for part in parts
    ):
        raise BadInput(
            f"{kind.capitalize()} names are like {EXAMPLES[kind]}, or m1:{EXAMPLES[kind]} for one "
            f"of another model than the newest."
        )
    return tuple(int(part[1:]) for part in parts)
