"""What is known of a row store's files, so that a later deletion takes them over without reading.

It lies beside the files, as what is known of a snapshot's cells does. A store of an earlier unweave
has none: its files are compared with the ledger.
"""

from collections.abc import Iterator
from pathlib import Path

from lineage_store.cells.cell import CellId
from lineage_store.cells.files import describe_file, is_as_written
from lineage_store.cells.kept import Mark, load_files, save_files
from lineage_store.cells.snapshot import Slice
from lineage_store.rows.row_store import EVALUATION, TRAINING, RowStore


def keep_known(store: RowStore, *, old: RowStore | None = None) -> None:
    """Describe the files of a store that was just written; `old` is what some were taken from.

    A file that is a link keeps its description.
    """
    known = {} if old is None else load_files(old.folder)
    files = {}
    for cell, name in _files(store):
        told = known.get(cell)
        if told is not None and told.mark == Mark.of(store.folder / name):
            files[cell] = told
        else:
            files[cell] = describe_file(store.folder, name)
    save_files(store.folder, files)


def known_slices(store: RowStore, *, split: str) -> dict[Slice, Path]:
    """Return the files of a split that are as they were written, by shard and slice."""
    return {
        (cell.shard, cell.slice): store.folder / written.file
        for cell, written in load_files(store.folder).items()
        if cell.split == split and is_as_written(written, store.folder / written.file)
    }


def _files(store: RowStore) -> Iterator[tuple[CellId, str]]:
    for split in (TRAINING, EVALUATION):
        for shard, counts in enumerate(store.counts):
            for slice_ in range(len(counts)):
                path = store.slice_file(shard, slice_, split=split)
                if path.exists():
                    yield CellId(split, shard, slice_, 0), f"{split}/{path.name}"
