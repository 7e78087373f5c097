"""Parts that are one unit, learnt again from their rows: nothing of them is left to a sample.

What such a part takes to learn is a look at its rows, so every part that a run changed is learnt
again, whole, by the engine, and compared with what a ledger has: the bytes of the state on disk,
their recorded digest, and which rows it is said to be of.
"""

from collections.abc import Sequence

from lineage_store.canonical import digest_file
from lineage_store.ledger import Ledger
from lineage_store.rows import RowStore
from lineage_store.tensors import state_digest
from unlearning.families.family import Learner
from unlearning.verification.controlled import Check, controlled
from unlearning.verification.replay import Replay, Segment


def all_learnt_again(
    parts: Sequence[int], *, learner: Learner, old: Ledger, new: Ledger, store: RowStore
) -> Check:
    """Check every part that changed; `store` has the rows that remain."""
    return controlled(
        "every part that changed, learnt again from the rows that remain, is the same bytes",
        lambda ledger: learnt_otherwise(ledger, store, parts, learner=learner),
        new=new,
        old=old,
    )


def learnt_otherwise(
    ledger: Ledger, store: RowStore, parts: Sequence[int], *, learner: Learner
) -> str | None:
    """Say which of some parts, learnt again from rows, is not as a ledger has it, if any."""
    for number in parts:
        shard, rows = ledger.shard(number), store.stage_rows(number, len(store.counts[number]) - 1)
        state = learner.relearnt(rows) if len(rows) else {}
        records = shard.stages()
        if state is None or len(records) != bool(state) or shard.final_file.exists():
            return f"part {number} has other units than its rows give"
        if not records:
            continue
        there = digest_file(shard.checkpoint_file(0)) if shard.has_checkpoint(0) else ""
        if not state_digest(state) == there == records[0].checkpoint_digest:
            return f"the {records[0].kind} of part {number} are others than those of its rows"
        if (records[0].rows, records[0].rows_digest) != (len(rows), rows.digest()):
            return f"the {records[0].kind} of part {number} are recorded to be of other rows"
    return None


def replay_sums(learner: Learner, store: RowStore, ledger: Ledger, segment: Segment) -> Replay:
    """Learn the one unit of a part again, and compare its bytes."""
    return Replay(segment, 0, learnt_otherwise(ledger, store, [segment.shard], learner=learner))
