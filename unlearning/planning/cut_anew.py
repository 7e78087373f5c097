"""Whether the rows that remain are cut into other shards and slices, and what that means.

The default partition is looked up by the rows that the gate let through and their classes
(`families.default_partition`), so a deletion may cross a border of the table. Its result is then
what the twin is: trained anew, in the shards and slices that the rows that remain would be given.
So is a model that was trained from another, whose shards are those of its base.
"""

from collections.abc import Sequence
from dataclasses import replace

from lineage_store.cells import Snapshot
from lineage_store.data import Schema
from lineage_store.errors import LeftAsItIs
from lineage_store.index import IndexedRows
from lineage_store.ledger import Ledger
from lineage_store.placement import Partition
from unlearning.families.default_partition import partition_for
from unlearning.families.known_families import family_of_ledger
from unlearning.planning.model_plan import BaseAfter
from unlearning.strategies.decision import Decision
from unlearning.strategies.shard_decision import ShardDecision, trained_from_nothing
from unlearning.training.unchanged_cells import count_rows


def cut_anew(
    ledger: Ledger,
    snapshot: Snapshot,
    deleted: IndexedRows,
    *,
    schema: Schema,
    base: BaseAfter | None,
) -> Partition | None:
    """Return how the rows that remain are cut, None if it is as before."""
    before = ledger.partition
    rows = sum(snapshot.rows.values()) - len(deleted)
    after = partition_for(ledger.header.options, rows, schema)
    if base is not None and base.model is not None and base.partition is not None:
        after = replace(after, shards=base.partition.shards)
    return None if after.cuts_as(before) else after


def why_cut_anew(before: Partition, after: Partition) -> str:
    """Say in half a sentence that a border is crossed."""
    return (
        f"without the rows the default partition is another, {after.shards} x {after.slices} "
        f"(shards x slices) in place of {before.shards} x {before.slices}, so all is trained anew"
    )


def counts_cut(snapshot: Snapshot, deleted: IndexedRows, partition: Partition) -> list[list[int]]:
    """Count the training rows that remain, by the shards and slices of another partition."""
    counts = count_rows(snapshot, partition)
    for place, where in deleted.by_slice(partition).items():
        counts[place] -= len(where)
    return [[int(count) for count in row] for row in counts]


def all_anew(
    ledger: Ledger, counts: Sequence[Sequence[int]], partition: Partition, *, why: str
) -> tuple[Decision, ...]:
    """Return the decisions to train every shard of another partition from nothing."""
    family = family_of_ledger(ledger)
    return tuple(
        replace(trained_from_nothing(shard, steps=family.steps(here, partition)), why=why)
        if any(here)
        else ShardDecision(shard, "empty", 0, 0, "no row falls into the shard")
        for shard, here in enumerate(counts)
    )


def of_all_before(ledger: Ledger, *, why: str) -> tuple[Decision, ...]:
    """Return what becomes of the shards that there were: nothing of any is taken over."""
    shards = range(ledger.partition.shards)
    return tuple(replace(trained_from_nothing(shard, steps=0), why=why) for shard in shards)


def must_begin_anew(
    decisions: Sequence[Decision], counts: Sequence[Sequence[int]], *, strategy: str
) -> None:
    """Check that decisions on another partition's shards take nothing over; raises LeftAsItIs."""
    shards = [decision.shard for decision in decisions]
    for decision in decisions:
        stays, there = decision.stays, any(counts[decision.shard])
        begins = decision.anew and not stays.stages and stays.resume is None
        if not (begins if there else decision.leaves):
            shards = []
    if shards != list(range(len(counts))):
        raise LeftAsItIs(
            f"The plan of the strategy {strategy} takes something over into shards that are cut "
            f"otherwise: nothing was changed; ask for another strategy."
        )
