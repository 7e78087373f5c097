"""Early stopping, decided anew by every run, on rows of the shard's own slices.

After each epoch of a stage the loss on *watched* rows is measured; after `patience` epochs without
a new minimum the stage ends, with the weights that it has then. (The weights of the best epoch are
not brought back: every recorded step stands in the checkpoint.)

What stage r of a shard watches are the evaluation rows whose places fall into slices 0 to r of that
shard. So the deletion of an evaluation row is to the plan as that of a training row of its place:
stages before its slice, and other shards, never depended on it. A stage without watched rows runs
all its epochs. Positions stay the planned ones; those of epochs that are left out are not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lineage_store.canonical import digest_json
from lineage_store.ledger import TrainOptions
from lineage_store.rows import RowSet, RowStore


class Watcher(Protocol):
    """What decides when a stage ends, by the loss on rows after each of its epochs."""

    @property
    def rows(self) -> RowSet:
        """The rows."""

    def ends(self, losses: Sequence[float]) -> bool:
        """Say whether the stage ends after the epochs with these losses."""


@dataclass(frozen=True)
class Watch:
    """What decides when one stage ends: rows, and the epochs to wait for a new minimum."""

    rows: RowSet
    patience: int

    def ends(self, losses: Sequence[float]) -> bool:
        """Say whether a stage ends after the epochs with these losses on the watched rows."""
        before, latest = losses[: -self.patience], losses[-self.patience :]
        return bool(before) and min(before) <= min(latest)


def watch_of(options: TrainOptions, store: RowStore, *, shard: int, stage: int) -> Watch | None:
    """Return what decides when a stage ends, or None if it runs all its epochs."""
    patience = options.early_stop
    if patience is None or not any(store.counts[shard][: stage + 1]):
        return None
    rows = store.evaluation_of(shard, stage)
    return Watch(rows, patience) if len(rows) else None


def seen_digest(rows_digest: str, watch: Watcher | None) -> str:
    """Return the digest of all rows a stage depends on, from that of the rows it trains on."""
    return rows_digest if watch is None else digest_json([rows_digest, watch.rows.digest()])


def rows_seen(options: TrainOptions, store: RowStore, *, shard: int, stage: int) -> str:
    """Return the digest of all rows that a stage depends on, as a store holds them."""
    watch = watch_of(options, store, shard=shard, stage=stage)
    return seen_digest(store.stage_rows(shard, stage).digest(), watch)
