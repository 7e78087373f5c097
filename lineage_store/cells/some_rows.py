"""Some rows of a model's data, without reading the others: only the cells that hold them are."""

import io
from collections.abc import Iterator

from lineage_store.cells.lines import BREAK, by_key
from lineage_store.cells.snapshot import Snapshot, read_snapshot, record_of
from lineage_store.cells.snapshot_blocks import read_cell
from lineage_store.cells.without import GoingRows
from lineage_store.data.record import UNLABELLED, Record, csv_reader


def read_some(snapshot: Snapshot, rows: GoingRows) -> Iterator[Record]:
    """Read the records of some rows back, as `read_snapshot` does.

    A row that has no label has no values, and is left out; so is one that is not there.
    """
    keys = {key.tobytes() for key in rows.row_keys}
    if snapshot.layout is None:
        for split in snapshot.splits if keys else ():
            yield from (one for one in read_snapshot(snapshot, split) if one.row_key in keys)
        return
    going = snapshot.layout.by_cell(rows.row_keys, rows.places, rows.splits)
    for cell in snapshot.cells:
        if cell.id.split == UNLABELLED or cell.id not in going:
            continue
        lines = read_cell(snapshot, cell.id).split(BREAK)[:-1]
        wanted, _ = by_key(lines, going[cell.id])
        text = b"\n".join(wanted).decode("utf-8")
        for fields in csv_reader(io.StringIO(text, newline="")):
            yield record_of(fields, cell.id.split)
