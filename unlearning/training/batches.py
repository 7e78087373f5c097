"""Which rows a stage trains on, cut into the batches of its epochs (law 1).

Everything here is computed from the row store, the partition and a step's planned position; nothing
is drawn and nothing is stored. Of a large stage an epoch holds each row's key, place and batch; all
else is read batch by batch.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

from lineage_store.placement import Partition, Stage, batch_of, schedule
from lineage_store.rows import Rows, RowSet, RowStore


def shard_schedule(store: RowStore, shard: int, partition: Partition) -> tuple[Stage, ...]:
    """Plan a shard's stages from the rows that the store has."""
    return schedule(store.counts[shard], partition)


def first_rows(store: RowStore, shard: int) -> Rows | None:
    """Return the rows of a shard's first slice that has any, in memory: `adapt` wants arrays."""
    for slice_, count in enumerate(store.counts[shard]):
        if count:
            return store.slice_rows(shard, slice_)
    return None


def epoch_batches(
    rows: RowSet, stage: Stage, *, epoch: int, seed: int
) -> Iterator[tuple[int, Rows]]:
    """Yield (batch, rows) for each batch of one epoch that has rows, in order."""
    if not stage.batches:
        return
    places = batch_of(
        rows.batch_bits, seed=seed, stage=stage.index, epoch=epoch, batches=stage.batches
    )
    order = np.argsort(places, kind="stable")
    ends = np.searchsorted(places[order], np.arange(stage.batches + 1))
    for batch in range(stage.batches):
        here = order[ends[batch] : ends[batch + 1]]
        if len(here):
            yield batch, rows.take(here)


def stage_batches(rows: RowSet, stage: Stage, *, seed: int) -> Iterator[tuple[int, int, Rows]]:
    """Yield (epoch, batch, rows) for each batch of a stage that has rows, in order."""
    for epoch in range(stage.epochs):
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=seed):
            yield epoch, batch, here


def batch_digest(rows: Rows) -> str:
    """Return the digest of a batch: SHA-256 over its row keys, in order."""
    return hashlib.sha256(rows.row_keys.tobytes()).hexdigest()
