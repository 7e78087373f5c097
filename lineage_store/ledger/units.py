"""The units of a model, in the order in which they came to be, each with what it was made from.

    placement -> shard -> batching -> batch -> step -> update -> stage -> checkpoint -> assembly
              (-> subtraction -> subtracted, from which a repair is one more stage)

A unit is one thing that rows have a share in: its kind, and its place in the run. Whoever writes,
compares, asks or draws the lineage goes through these records and knows no kind by name. They come
one by one, so memory stays bounded however many steps a run has.

Which units there are, and what each is made from, follows from placement and from the records of
the stages alone: a batch that no row fell into has its records too, and which updates a subtraction
took back is not said. So what is kept of a unit for good tells nothing of a row (law 9).

A ledger of format 1 has stages. One of kind `stage` is trained in steps, one of any other kind (its
record names it) is made from its rows at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.ledger.records import StageRecord
from lineage_store.ledger.shards import Ledger, ShardLedger

STAGE = "stage"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands: in a model, one of its shards, a stage of that, a step of that."""

    model: str
    shard: int | None = None
    stage: int | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing inside a model that rows have a share in."""

    kind: str
    place: Place


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit, and what it was made from.

    Its `inputs`, and those that it `feeds`, came before it or are not the ledger's own. What is
    `open` is fed until something comes of it. `file` is the one that it lies in, if that is there;
    what is not `live` lost its file.
    """

    unit: Unit
    inputs: tuple[Unit, ...] = ()
    feeds: tuple[Unit, ...] = ()
    open: bool = False
    file: Path | None = None
    live: bool = True


def unit_records(
    ledger: Ledger, *, model: str | None = None, starts: Sequence[Unit | None] = ()
) -> Iterator[UnitRecord]:
    """Yield the units of one model, or of all that the ledger has something of.

    Of a model that has ended, the ledger of a later one has what was kept. `starts` are the
    checkpoints of another model that the shards started from, if there is one.
    """
    own = ledger.header.model
    place = Place(model or own)
    placement = Unit("placement", place)
    yield UnitRecord(placement, inputs=(Unit("rows", place),))
    for number, shard in enumerate(ledger.shards()):
        start = starts[number] if starts else None
        yield UnitRecord(Unit("shard", Place(place.model, number)), inputs=(placement,))
        before: StageRecord | None = None
        for stage in shard.stages():
            if model in (None, stage.model):
                if stage.start_digest and stage.model == own:
                    yield from _subtraction(own, number, shard)
                yield from _of_stage(shard, stage, before, start)
            before = stage
        if place.model == own and shard.subtracted() and shard.final_file.exists():
            yield from _subtraction(own, number, shard)


def served(ledger: Ledger, number: int) -> Unit | None:
    """Return the checkpoint that a shard gives to its model; None if it has no rows."""
    shard = ledger.shard(number)
    if shard.final_file.exists():
        return _subtracted(ledger.header.model, number, len(shard.stages()))
    stages = shard.stages()
    return checkpoint_of(stages[-1]) if stages and stages[-1].rows else None


def assembled(model: str, checkpoints: Iterable[Unit]) -> UnitRecord:
    """Return how a model was made of the checkpoints of its shards."""
    place = Place(model)
    return UnitRecord(Unit("assembly", place), tuple(checkpoints), feeds=(Unit("model", place),))


def checkpoint_of(stage: StageRecord) -> Unit:
    """Return the checkpoint at the end of a stage."""
    return Unit("checkpoint", Place(stage.model, stage.shard, stage.stage))


def planned_positions(stage: StageRecord) -> range:
    """Return the positions of the steps of a stage, those of empty batches included."""
    return range(stage.first_position, stage.first_position + stage.epochs * stage.batches)


def units_of_step(stage: StageRecord, position: int) -> tuple[Unit, Unit, Unit]:
    """Return the batch, the step and the update at a position of a stage."""
    place = Place(stage.model, stage.shard, stage.stage, position)
    return Unit("batch", place), Unit("step", place), Unit("update", place)


def kind_of(stage: StageRecord) -> str:
    """Return the kind of unit that a stage is; families without steps name their own."""
    return stage.kind


def _of_stage(
    shard: ShardLedger, stage: StageRecord, before: StageRecord | None, start: Unit | None
) -> Iterator[UnitRecord]:
    place = Place(stage.model, stage.shard, stage.stage)
    rows = Unit("shard", Place(stage.model, stage.shard))
    done = Unit(kind_of(stage), place)
    inputs: list[Unit] = []
    if stage.start_digest:
        inputs.append(_subtracted(stage.model, stage.shard, stage.stage))
    elif before is not None:
        inputs.append(checkpoint_of(before))
    elif start is not None:
        inputs.append(start)
    first = before is None and not stage.start_digest
    # Without a step, nothing else would lead from the rows to the first checkpoint.
    if done.kind != STAGE or (first and not planned_positions(stage)):
        inputs.append(rows)
    batching = Unit("batching", place)
    if done.kind == STAGE:
        yield UnitRecord(batching, inputs=(rows,))
    yield UnitRecord(done, tuple(inputs), open=True)
    if done.kind == STAGE:
        yield from _steps(shard, stage, batching, done)
    file = shard.checkpoint_file(stage.stage)
    yield _in_file(checkpoint_of(stage), done, file if file.exists() else None)


def _steps(
    shard: ShardLedger, stage: StageRecord, batching: Unit, done: Unit
) -> Iterator[UnitRecord]:
    files, checkpoints = shard.updates.files(), shard.step_checkpoints()
    # What was taken back looks like the rest: which batches the rows were in is not said.
    taken_back, correction = shard.subtracted(), shard.correction()
    archive = next((files[one] for one in planned_positions(stage) if one in files), None)
    # No update is kept that was made after corrected rows were learnt.
    learnt = correction is not None and stage.stage >= correction.kept_stages
    lost = learnt and stage != shard.repair()
    for position in planned_positions(stage):
        batch, step, update = units_of_step(stage, position)
        yield UnitRecord(batch, (batching,))
        yield UnitRecord(step, (batch,))
        file = archive if position in taken_back else files.get(position)
        yield UnitRecord(update, (step,), feeds=(done,), file=file, live=not lost)
        if position in checkpoints:
            kept = Unit("step-checkpoint", batch.place)
            yield _in_file(kept, step, shard.step_checkpoint_file(position))


def _in_file(unit: Unit, made_by: Unit, file: Path | None) -> UnitRecord:
    return UnitRecord(unit, (made_by,), file=file, live=file is not None)


def _subtraction(model: str, number: int, shard: ShardLedger) -> Iterator[UnitRecord]:
    """Yield the newest subtraction of a shard: its last checkpoint in, other weights out.

    Which updates it took back is not said: that would tell which batches the rows were in.
    """
    repaired = shard.repair()
    stages = [stage for stage in shard.stages() if stage != repaired]
    done = Unit("subtraction", Place(model, number))
    yield UnitRecord(done, inputs=(checkpoint_of(stages[-1]),))
    file = shard.final_file if shard.final_file.exists() else None
    yield UnitRecord(_subtracted(model, number, len(stages)), (done,), file=file)


def _subtracted(model: str, number: int, stage: int) -> Unit:
    return Unit("subtracted", Place(model, number, stage))
