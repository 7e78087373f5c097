"""Which cells of a model's rows a deletion need not write again, because no row of theirs goes.

A cell whose data are taken over has the same rows; and if the gate told the same of the columns, it
has the same bytes. The old file is taken over if it is the one that was read back when it was
written (`known_files`).

A store of an earlier unweave has a file a slice and may say nothing of its files, and old data
without cells say nothing of slices. Where a slice is one cell it has the same rows if it has as
many as before, since those that remain are among the old ones; and the old file is believed only if
the old ledger knows it: the last stage of a shard saw all its slices, and its recorded digest must
be that of the files. Whatever cannot be shown is written again.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lineage_store.cells import CellId, Snapshot, read_places, same_cells
from lineage_store.data import TRAIN
from lineage_store.ledger import Ledger
from lineage_store.placement import Partition, cells_of
from lineage_store.rows import NO_CELLS, RowStore, Unchanged, known_cells

PIECE = 100_000


def unchanged_cells(
    snapshot: Snapshot, *, old_snapshot: Snapshot, old: Ledger, store: RowStore
) -> Unchanged:
    """Return the files of the old store that the rows that remain leave as they are.

    `snapshot` holds the rows that remain, `old_snapshot` what the old store was made of.
    """
    layout = snapshot.layout
    if layout is None or not layout.partition.cuts_as(old.partition):
        return NO_CELLS
    if store.format == 1 or store.buckets != layout.buckets or store.schema != snapshot.schema:
        return NO_CELLS
    known = known_cells(store)
    if not known or not old_snapshot.cells:
        return _known_to_ledger(snapshot, old, store) if layout.buckets == 1 else NO_CELLS
    same = same_cells(snapshot, old_snapshot)
    return {cell: file for cell, file in known.items() if cell in same}


def _known_to_ledger(snapshot: Snapshot, old: Ledger, store: RowStore) -> Unchanged:
    counts = count_rows(snapshot, old.partition)
    found: dict[CellId, Path] = {}
    for shard, before in enumerate(store.counts):
        same = [slice_ for slice_, count in enumerate(before) if count == counts[shard, slice_]]
        if same and _is_known(store, old, shard):
            cells = (cell for slice_ in same for cell in store.cells_of(shard, slice_))
            found |= {cell: store.cell_file(cell) for cell in cells}
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
