"""Whether a snapshot is, byte for byte, the one that the gate wrote: all of it is read."""

from collections.abc import Iterator
from pathlib import Path

from lineage_store.canonical import digest_file, read_json
from lineage_store.cells.kept import KeptCell
from lineage_store.cells.lines import BREAK, line_digest, row_digest
from lineage_store.cells.snapshot import CSV_FILE, DIGEST_MODULUS, GATE_FILE, Snapshot
from lineage_store.commitments import commitment
from lineage_store.data.record import SPLITS, UNLABELLED, csv_reader


def is_whole(snapshot: Snapshot) -> bool:
    """Say whether every file has its bytes, and all rows together the data's digest.

    Raises FileNotFoundError if a file is gone.
    """
    if snapshot.layout is None:
        files = read_json(snapshot.folder / GATE_FILE)["files"]
        same = all(
            files[f"{split}/{CSV_FILE}"] == digest_file(snapshot.folder / split / CSV_FILE)
            for split in SPLITS
        )
        return same and _named(sum(_digests(snapshot))) == snapshot.data_digest
    if not all(_is_as_written(cell, snapshot.folder / cell.file) for cell in snapshot.cells):
        return False
    rows = dict.fromkeys(snapshot.rows, 0)
    for cell in snapshot.cells:
        rows[cell.id.split] += cell.rows
    total = sum(cell.total for cell in snapshot.cells if cell.id.split != UNLABELLED)
    return rows == dict(snapshot.rows) and _named(total) == snapshot.data_digest


def _is_as_written(cell: KeptCell, file: Path) -> bool:
    content = file.read_bytes()
    if commitment(cell.written.nonce, content) != cell.written.commitment:
        return False
    _, *lines = content.split(BREAK)[:-1]
    if cell.id.split == UNLABELLED:
        return len(lines) == cell.rows
    return (len(lines), sum(map(line_digest, lines))) == (cell.rows, cell.total)


def _digests(snapshot: Snapshot) -> Iterator[int]:
    for split in snapshot.splits:
        for file in snapshot.files(split):
            with file.open(newline="", encoding="utf-8") as stream:
                reader = csv_reader(stream)
                next(reader)
                for row_key, _, place, *written in reader:
                    yield row_digest(row_key[1:], place[1:], written)


def _named(total: int) -> str:
    return f"{total % DIGEST_MODULUS:064x}"
