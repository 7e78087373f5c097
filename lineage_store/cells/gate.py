"""The one gate that all data passes before it becomes tf.Examples.

A stream of blocks goes in (from a source, or from an older snapshot when rows are taken out) and a
*snapshot* comes out: one CSV file a split, and `gate.json`, which says what was inferred. Two
passes: before the first, every line was checked, what the exclusion manifest names was dropped, and
keys were computed from the text as given (`data.keyed_blocks`); the first (`staging`) gathers
evidence of the types; the second (`split_files`) writes the files in these types. Memory is
bounded: what must be remembered of every row (keys, occurrences) lies on disk.

Nothing that the gate decides about one row depends on another row, but for the inference, which
is recorded and which a deletion computes again (law 2).
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from lineage_store.canonical import canonical_json, digest_file, write_atomic
from lineage_store.cells.snapshot import CSV_FILE, FORMAT, Snapshot, load_snapshot
from lineage_store.cells.split_files import write_splits
from lineage_store.cells.staging import stage, staged
from lineage_store.data.inference import in_terms_of
from lineage_store.data.record import SPLITS, TRAIN, Block
from lineage_store.data.schema import Roles, Schema
from lineage_store.errors import BadInput


def let_through(
    blocks: Iterable[Block], roles: Roles, *, folder: Path, like: Schema | None = None
) -> Snapshot:
    """Pass blocks through the gate into a new snapshot folder, in the terms of a base's data.

    The folder must not exist; it is complete when this returns (`gate.json` is written last), and
    gone if it raises. Raises BadInput for rows that do not fit `like`.
    """
    folder.mkdir(parents=True, mode=0o700)
    try:
        return _let_through(blocks, roles, folder=folder, like=like)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _let_through(
    blocks: Iterable[Block], roles: Roles, *, folder: Path, like: Schema | None
) -> Snapshot:
    file = folder / "staged.arrows"
    evidence = stage(blocks, roles, file=file)
    schema = in_terms_of(evidence.conclude(), like)
    counts, total = write_splits(staged(file), schema, folder)
    file.unlink()
    if not counts[TRAIN]:
        raise BadInput("No row is left to train on: give more rows.")
    files = {f"{split}/{CSV_FILE}": digest_file(folder / split / CSV_FILE) for split in SPLITS}
    description = {
        "format": FORMAT,
        "inference": schema.to_json(),
        "rows": counts,
        "data_digest": total,
        "files": files,
    }
    write_atomic(folder / "gate.json", canonical_json(description) + b"\n")
    return load_snapshot(folder)
