"""What is known of a row store's files, so that a later deletion takes them over without reading.

It lies beside the files, as what is known of a snapshot's cells does. A store of an earlier unweave
has none: its files are compared with the ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lineage_store.cells.cell import CellId
from lineage_store.cells.files import describe_file, is_as_written
from lineage_store.cells.kept import Mark, load_files, save_files
from lineage_store.rows.row_store import EVALUATION, RowStore


def keep_known(store: RowStore, *, old: RowStore | None = None) -> None:
    """Describe the files of a store that was just written; `old` is what some were taken from.

    A file that is a link keeps its description.
    """
    known = {} if old is None else load_files(old.folder)
    files = {}
    for cell in _cells(store):
        file = store.cell_file(cell)
        description = known.get(cell)
        if description is not None and description.mark == Mark.of(file):
            files[cell] = description
        else:
            files[cell] = describe_file(store.folder, f"{cell.split}/{file.name}")
    save_files(store.folder, files)


def known_cells(store: RowStore) -> Mapping[CellId, Path]:
    """Return the files that are as they were written, by the cells that have rows."""
    files = load_files(store.folder)
    known = ((cell, files[cell]) for cell in _cells(store) if cell in files)
    return {
        cell: store.cell_file(cell)
        for cell, written in known
        if is_as_written(written, store.cell_file(cell))
    }


def same_files(some: Sequence[Path], others: Sequence[Path]) -> bool:
    """Say whether files are those of another list, by inode, size and time: links to them."""
    return len(some) == len(others) and all(map(_is_one_file, some, others))


def same_evaluation(one: RowStore, other: RowStore) -> bool:
    """Say whether two stores have the same files of evaluation rows."""
    each = (
        [known.cell_file(cell) for cell in _cells(known) if cell.split == EVALUATION]
        for known in (one, other)
    )
    return one.format > 1 and same_files(*each)


def _is_one_file(one: Path, other: Path) -> bool:
    try:
        a, b = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (a.st_dev, a.st_ino, a.st_size, a.st_mtime_ns) == (
        b.st_dev, b.st_ino, b.st_size, b.st_mtime_ns,
    )  # fmt: skip


def _cells(store: RowStore) -> Iterator[CellId]:
    for split, shards in store.cells.items():
        for shard, counts in enumerate(shards):
            for slice_ in range(len(counts)):
                yield from store.cells_of(shard, slice_, split=split)
