"""Shards of which a deletion changed neither the rows nor what the ledger says of them.

Their rows are not read again (law 10): each cell is, by its inode, size and time, the very file of
the old store, which was taken over since it is the one that was read back when it was written, or
has the recorded digest (`unchanged_cells`); and the records are the old ones, word for word.
Whether the bytes on the disk still are is for the audit to say.
"""

from lineage_store.ledger import Ledger
from lineage_store.rows import RowStore, same_files


def as_they_were(
    old: Ledger, new: Ledger, *, before: RowStore | None, after: RowStore
) -> frozenset[int]:
    """Return the numbers of the shards whose rows and records were taken over as they were.

    `before` are the rows that the old ledger was made from; where they are gone, no shard is.
    """
    if before is None or new.folder == old.folder:
        return frozenset()
    watched = old.header.options.early_stop is not None  # a stage depends on evaluation rows, too
    return frozenset(
        shard
        for shard in range(len(after.counts))
        if new.shard(shard).stages() == old.shard(shard).stages()
        and not watched
        and all(
            same_files(before.files(shard, at), after.files(shard, at))
            for at in range(len(after.counts[shard]))
        )
    )
