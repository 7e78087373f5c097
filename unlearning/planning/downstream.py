"""Which units of a model depend on the rows that go: computed by the engine, from nobody's word.

A unit is a stage, a step, an update or a checkpoint of a shard. Those that saw a row are computed
from placement: from its slice's stage on, in every epoch, the step of its batch. What comes later
in the shard started from weights that had learnt from it, so from the first one on all of them are
downstream. That is the first step whose batch held a deleted row, but

    the shard's start      where a module may have adapted it to rows that go, where the weights
                           that it started from change, and where nothing may be reused
    the stage's start      where the stage is cut into other batches without the rows, and with
                           class weights, which follow from all rows of the stage
    after its first epoch  for evaluation rows that decided when the stage ends

A part that is made at once (sums, trees) is one unit, and downstream if a row of it goes: `stage`
and `position` are then 0.

The old ledger is the witness: in every cell that loses rows, the batch of the first step that saw
one has the recorded digest, and holds it. A plan that leaves a unit of this list as it is is
refused (`refused_plans`). Law 4 knows one exception, a unit whose inputs were made again with
the same bits; a stage has all rows of the stages before it, so none that saw a row can be one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.errors import CheckFailed
from lineage_store.ledger import Ledger, StageRecord
from lineage_store.placement import Stage
from lineage_store.rows import Rows, RowStore, in_key_order, joined
from unlearning.keras_learning.class_weights import ALIKE
from unlearning.strategies.exposure import affected_positions
from unlearning.strategies.strategy import MOVED, Situation, groups_of, stage_of
from unlearning.training.batches import batch_digest, epoch_batches


@dataclass(frozen=True)
class Downstream:
    """The units of one shard that depend on what goes: from a stage's step on.

    `saw` are the positions of the steps whose batch held a deleted row; `anew` says that nothing of
    the shard may be reused, whether it saw any or not.
    """

    shard: int
    stage: int
    position: int
    why: str
    saw: tuple[int, ...] = ()
    anew: bool = False

    def holds(self, stage: int, position: int | None) -> bool:
        """Say whether a step's unit is among them, or without a position a stage's."""
        if stage != self.stage or position is None:
            return stage >= self.stage
        return position >= self.position


def downstream(situation: Situation) -> dict[int, Downstream]:
    """Compute the downstream units of every shard that has any.

    Raises CheckFailed if a deleted row stands in no stage that the ledger has.
    """
    found = {}
    for shard in range(situation.partition.shards):
        starts = list(_starts(situation, shard))
        if starts:
            stage, position, why = min(starts, key=lambda start: start[:2])
            saw = affected_positions(situation, shard)
            if _is_one_unit(situation, shard) and any(one == shard for one, _ in situation.deleted):
                saw = [0]  # the one unit there is
            anew = situation.fresh_start is not None or shard in situation.moved
            found[shard] = Downstream(shard, stage, position, why, tuple(saw), anew)
    return found


def _starts(situation: Situation, shard: int) -> Iterator[tuple[int, int, str]]:
    """Yield (stage, position, why) wherever something begins to depend on what goes."""
    records = situation.ledger.shard(shard).stages()
    if situation.fresh_start is not None and records:
        yield 0, 0, situation.fresh_start
    if shard in situation.moved:
        yield 0, 0, MOVED
    if _is_one_unit(situation, shard):
        for where, slice_ in situation.deleted:
            if where == shard:
                _must_be_trained(records, shard, slice_)
                yield 0, 0, f"its {records[0].kind} hold a row that goes"
        return
    weighs = situation.ledger.header.options.class_weights != ALIKE
    for where, slice_ in situation.deleted:
        if where != shard:
            continue
        first = _must_be_trained(records, shard, slice_)
        if situation.adapts and not any(record.rows for record in records[:slice_]):
            yield 0, 0, "its start may have been adapted to rows that go"
        new = situation.new_stages(shard)[slice_]
        cut_anew = (first.batches, first.first_position) != (new.batches, new.first_position)
        if weighs or cut_anew:
            yield slice_, first.first_position, "all steps of the stage depend on rows that go"
        yield slice_, _first_that_saw(situation, shard, slice_), "a batch held a row that goes"
    for where, slice_ in situation.watched:
        if where == shard:
            watched = _must_be_trained(records, shard, slice_)
            yield slice_, watched.position(epoch=1, batch=0), "a row that goes had a say in its end"


def _is_one_unit(situation: Situation, shard: int) -> bool:
    """Say whether a part is one unit, made of its rows at once."""
    return any(one.at_once for one in situation.ledger.shard(shard).stages())


def _must_be_trained(records: Sequence[StageRecord], shard: int, slice_: int) -> Stage:
    if slice_ >= len(records) or not records[slice_].rows:
        raise CheckFailed(
            f"Rows that are to be deleted lie in slice {slice_} of shard {shard}, and no stage of "
            f"the ledger saw them: nothing was changed; restore the workspace from a backup."
        )
    return stage_of(records[slice_])


def _first_that_saw(situation: Situation, shard: int, slice_: int) -> int:
    """Return the first step whose batch held a deleted row of a slice: an epoch meets them all."""
    return affected_positions(situation, shard, of_slice=slice_)[0]


def seen_between(ledger: Ledger, *, before: RowStore, after: RowStore) -> dict[int, Downstream]:
    """Compute what is downstream of the rows that one store of a model has and the other lacks.

    `before` holds what the ledger was made from.
    """
    deleted = {}
    groups: dict[bytes, int] = {}
    for shard, counts in enumerate(before.counts):
        for slice_, count in enumerate(counts):
            if count != after.counts[shard][slice_]:
                gone = _lost(before, after, shard, slice_)
                deleted[shard, slice_] = gone.row_keys
                if ledger.header.grouped:
                    groups |= groups_of(gone.row_keys, gone.batch_bits)
    watched: set[tuple[int, int]] = set()
    if ledger.header.options.early_stop is not None:
        pairs = zip(before.evaluation_counts, after.evaluation_counts, strict=False)
        for shard, (were, are) in enumerate(pairs):
            watched |= {(shard, at) for at, one in enumerate(were) if one != are[at]}
    watched = {place for place in watched if any(before.counts[place[0]])}
    situation = Situation(ledger, deleted, after.counts, None, frozenset(watched), groups=groups)
    return downstream(situation)


def _lost(before: RowStore, after: RowStore, shard: int, slice_: int) -> Rows:
    """Return the rows of a slice that a later store lacks; cells that lost none are not read."""
    if before.buckets != after.buckets:
        rows, left = (one.slice_rows(shard, slice_) for one in (before, after))
        return _without(rows, left)
    lost = []
    for cell in before.cells_of(shard, slice_):
        count = after.rows_in(cell)
        if count != before.rows_in(cell):
            rows = before.cell_rows(cell)
            lost.append(_without(rows, after.cell_rows(cell)) if count else rows)
    return in_key_order(joined(lost))


def _without(rows: Rows, left: Rows) -> Rows:
    known = {key.tobytes() for key in left.row_keys}
    keys = [key.tobytes() for key in rows.row_keys]
    return rows.take(np.array([n for n, key in enumerate(keys) if key not in known], np.int64))


def must_be_recorded_inputs(situation: Situation, store: RowStore) -> None:
    """Check placement against the ledger: in every cell the first step that saw a deleted row.

    Its batch, cut from the old rows, must have the recorded digest and hold such a row. A stage
    from which an earlier approximate deletion took rows cannot be asked. Raises CheckFailed.
    """
    for (shard, slice_), row_keys in situation.deleted.items():
        ledger = situation.ledger.shard(shard)
        record = ledger.stages()[slice_]
        if record.at_once:
            _must_be_summed(record, store, row_keys)
            continue
        if ledger.subtracted() and record.rows != sum(store.counts[shard][: slice_ + 1]):
            continue
        stage, position = stage_of(record), _first_that_saw(situation, shard, slice_)
        rows = store.stage_rows(shard, slice_)
        epoch, batch = divmod(position - stage.first_position, stage.batches)
        cut = epoch_batches(rows, stage, epoch=epoch, seed=situation.partition.seed)
        here = next((taken for number, taken in cut if number == batch), None)
        step = next((one for one in ledger.steps(slice_) if one.position == position), None)
        gone = {key.tobytes() for key in row_keys}
        if (
            here is None
            or step is None
            or step.batch_digest != batch_digest(here)
            or gone.isdisjoint(key.tobytes() for key in here.row_keys)
        ):
            raise CheckFailed(
                f"Step {position} of shard {shard} is the first that saw a deleted row, and the "
                f"batch that the ledger recorded of it is another: nothing was changed; restore "
                f"the workspace from a backup."
            )


def _must_be_summed(record: StageRecord, store: RowStore, row_keys: npt.NDArray[np.uint8]) -> None:
    """Check that a part's sums are recorded to be of the rows that the store has, and of these."""
    rows = store.stage_rows(record.shard, len(store.counts[record.shard]) - 1)
    known = {key.tobytes() for key in rows.row_keys}
    if rows.digest() != record.rows_digest or not {key.tobytes() for key in row_keys} <= known:
        raise CheckFailed(
            f"The {record.kind} of part {record.shard} are recorded to be of other rows than the "
            f"store has: nothing was changed; restore the workspace from a backup."
        )
