"""Which slices a deletion need not write again, because no row of theirs goes.

A slice whose cells are all taken over has the same rows; and if the gate told the same of the
columns, it has the same bytes. The old file is taken over if it is the one that was read back when
it was written (`known_files`).

A store of an earlier unweave says nothing of its files, and old data without cells say nothing of
slices. There a slice with as many rows as before has the same rows, since those that remain are
among the old ones; and the old file is believed only if the old ledger knows it: the last stage of
a shard saw all its slices, and its recorded digest must be that of the files. Whatever cannot be
shown is written again.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lineage_store.cells import Snapshot, read_places, same_slices
from lineage_store.data import EVAL, TRAIN
from lineage_store.ledger import Ledger
from lineage_store.placement import Partition, cells_of
from lineage_store.rows import FORMAT, NO_SLICES, RowStore, Unchanged, known_slices

PIECE = 100_000
Files = Mapping[tuple[int, int], Path]


def unchanged_slices(
    snapshot: Snapshot, *, old_snapshot: Snapshot, old: Ledger, store: RowStore
) -> Unchanged:
    """Return the files of the old store that the rows that remain leave as they are.

    `snapshot` holds the rows that remain, `old_snapshot` what the old store was made of.
    """
    layout = snapshot.layout
    if layout is not None and not layout.partition.cuts_as(old.partition):
        return NO_SLICES
    if store.format != FORMAT or store.schema != snapshot.schema:
        return NO_SLICES
    known = {split: known_slices(store, split=split) for split in (TRAIN, EVAL)}
    if not known[TRAIN] or not old_snapshot.cells:
        return Unchanged(_known_to_ledger(snapshot, old, store))
    same = {split: same_slices(snapshot, old_snapshot, split) for split in (TRAIN, EVAL)}
    train, evaluation = (
        {one: file for one, file in known[split].items() if one in same[split]}
        for split in (TRAIN, EVAL)
    )
    return Unchanged(train, evaluation)


def _known_to_ledger(snapshot: Snapshot, old: Ledger, store: RowStore) -> Files:
    counts = count_rows(snapshot, old.partition)
    found: dict[tuple[int, int], Path] = {}
    for shard, before in enumerate(store.counts):
        same = [slice_ for slice_, count in enumerate(before) if count == counts[shard, slice_]]
        if same and _is_known(store, old, shard):
            found |= {(shard, slice_): store.slice_file(shard, slice_) for slice_ in same}
    return found


def count_rows(snapshot: Snapshot, partition: Partition) -> npt.NDArray[np.int64]:
    """Count the training rows of a snapshot: (shards, slices)."""
    counts = np.zeros((partition.shards, partition.slices), np.int64)
    stream = read_places(snapshot, TRAIN)
    while piece := b"".join(islice(stream, PIECE)):
        places = np.frombuffer(piece, dtype=">u8").astype(np.uint64)
        where = cells_of(places, partition)
        np.add.at(counts, where, 1)
    return counts


def _is_known(store: RowStore, old: Ledger, shard: int) -> bool:
    stages = old.shard(shard).stages()
    if not stages or stages[-1].stage != old.partition.slices - 1:
        return False
    return store.stage_rows(shard, stages[-1].stage).digest() == stages[-1].rows_digest
