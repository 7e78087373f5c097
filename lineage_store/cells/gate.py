"""The one gate that all data passes before a model learns from them.

A stream of blocks goes in (from a source, or from an older snapshot when that has to be written
anew) and a *snapshot* comes out: a file for each cell, and `gate.json`, which says what was
inferred. Two passes: before the first, every line was checked, what the exclusion manifest names
was dropped, and keys were computed from the text as given (`data.keyed_blocks`); the first
(`staging`) gathers evidence of the types; the second writes the cells in these types. Memory is
bounded: what must be remembered of every row (keys, occurrences) lies on disk.

Nothing that the gate decides about one row depends on another row, but for the inference, which
is recorded and which a deletion computes again (law 2), and the number of buckets, which is fixed
from then on and no bit of a model depends on.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.cells.cell import KEPT, CellLayout, layout_of
from lineage_store.cells.cell_evidence import evidence_of
from lineage_store.cells.cell_writer import CellWriter
from lineage_store.cells.kept import KeptCell, save_cells
from lineage_store.cells.lines import BREAK, header_line, lines_of
from lineage_store.cells.snapshot import (
    DIGEST_MODULUS,
    FORMAT,
    GATE_FILE,
    Snapshot,
    load_snapshot,
)
from lineage_store.cells.staging import stage, staged
from lineage_store.data.inference import in_terms_of
from lineage_store.data.record import EVAL, KEYED, TRAIN, UNLABELLED, Block
from lineage_store.data.schema import Roles, Schema
from lineage_store.data.typed_block import typed_block
from lineage_store.errors import BadInput
from lineage_store.placement import UNCUT, Partition


def let_through(
    blocks: Iterable[Block],
    roles: Roles,
    *,
    folder: Path,
    like: Schema | None = None,
    partition: Partition | Callable[[int, Schema], Partition] = UNCUT,
    layout: CellLayout | None = None,
) -> Snapshot:
    """Pass blocks through the gate into a new snapshot folder, in the terms of a base's data.

    The cells are those of `layout`, if it is given, or of `partition`, which may be asked when the
    rows are counted and their schema is known. The folder must not exist;
    it is complete when this returns (`gate.json` is written last), and gone if it raises. Raises
    BadInput for rows that do not fit `like`.
    """
    folder.mkdir(parents=True, mode=0o700)
    try:
        file = folder / "staged.arrows"
        evidence, rows = stage(blocks, roles, file=file)
        schema = in_terms_of(evidence.conclude(), like)
        asked = partition(rows, schema) if callable(partition) else partition
        cut = layout or layout_of(rows, asked)
        cells = _write_cells(staged(file), schema, folder, cut)
        file.unlink()
        return close_snapshot(folder, schema, cut, cells)
    except BaseException:
        shutil.rmtree(folder)
        raise


def close_snapshot(
    folder: Path, schema: Schema, layout: CellLayout, cells: Sequence[KeptCell]
) -> Snapshot:
    """Write what is known of the cells, and then `gate.json`, with which a snapshot is complete.

    Raises BadInput if no row is left to train on.
    """
    rows = dict.fromkeys((TRAIN, EVAL, UNLABELLED), 0)
    for cell in cells:
        rows[cell.id.split] += cell.rows
    if not rows[TRAIN]:
        raise BadInput("No row is left to train on: give more rows.")
    save_cells(folder, cells)
    total = sum(cell.total for cell in cells if cell.id.split != UNLABELLED)
    description = {
        "format": FORMAT,
        "inference": schema.to_json(),
        "layout": layout.to_json(),
        "rows": rows,
        "data_digest": f"{total % DIGEST_MODULUS:064x}",
    }
    write_atomic(folder / GATE_FILE, canonical_json(description) + b"\n")
    return load_snapshot(folder)


def headers(schema: Schema) -> dict[str, bytes]:
    """Return the first line of each split's files."""
    names = (*KEYED, *(column.name for column in schema.all))
    return dict.fromkeys((TRAIN, EVAL), header_line(names)) | {UNLABELLED: header_line(KEYED)}


def _write_cells(
    blocks: Iterable[Block], schema: Schema, folder: Path, layout: CellLayout
) -> list[KeptCell]:
    writer = CellWriter(folder, layout, headers(schema))
    for block in blocks:
        values, labelled = typed_block(block.values, schema)
        _add(writer, block.of(labelled), values)
        if not labelled.all():
            _add(writer, block.of(~labelled), None)
    return [_with_evidence(cell, folder, schema) for cell in writer.finish()]


def _add(writer: CellWriter, block: Block, values: Any) -> None:
    """Write the rows of a block, with their values in the kinds of the schema or with none."""
    if values is None:
        splits = np.full(len(block), KEPT.index(UNLABELLED))
    else:
        splits = np.where(block.evaluation, KEPT.index(EVAL), KEPT.index(TRAIN))
    writer.add(writer.layout.numbers(block.places, splits), block.row_keys, lines_of(block, values))


def _with_evidence(cell: KeptCell, folder: Path, schema: Schema) -> KeptCell:
    if cell.id.split == UNLABELLED:
        return cell
    _, _, text = (folder / cell.file).read_bytes().partition(BREAK)
    return replace(cell, evidence=evidence_of(text, schema).to_json())
