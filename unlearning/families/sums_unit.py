"""The one unit of a part of sums, as every family of sums writes it, and of which rows it is."""

from lineage_store.ledger import ShardLedger, StageRecord
from lineage_store.rows import RowSet
from lineage_store.tensors import State
from unlearning.families.family import PartRun


def keep_sums(run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger) -> None:
    """Write a part's sums and which rows they are of; of a part without rows, nothing."""
    into.folder.mkdir(parents=True, exist_ok=True)
    if not len(rows):
        return
    start = run.clock()
    rows_digest = rows.digest()
    record = StageRecord(
        shard=part,
        stage=0,
        rows=len(rows),
        epochs=0,
        batches=0,
        first_position=0,
        steps=0,
        rows_digest=rows_digest,
        checkpoint_digest="",
        steps_digest="",
        model=run.model,
        seconds=run.clock() - start,
        kind="sums",
    )
    into.write_stage(record, (), state)
