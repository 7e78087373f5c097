"""What the rows of cells say of the columns.

An inference is a merge of what each cell says (law 2). After a deletion only the cells that lost
rows are asked again, and they are asked as they were written: a value's one spelling says what the
text that came in said.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from lineage_store.cells.kept import KeptCell
from lineage_store.cells.lines import unescape
from lineage_store.data.evidence import Evidence
from lineage_store.data.record import KEYED, Record, in_blocks
from lineage_store.data.schema import Roles, Schema
from lineage_store.texts.text_rows import coded


def evidence_of(text: bytes, schema: Schema) -> Evidence:
    """Return what rows say, from the lines of a cell's file without its first."""
    found = Evidence(schema.roles)
    if text:
        found.add_block(texts_of(text, schema))
    return found


def evidence_of_records(records: Iterable[Record], roles: Roles) -> Evidence:
    """Return what records say: of a snapshot that has no cells."""
    found = Evidence(roles)
    for block in in_blocks(records, len(roles.all)):
        found.add_block(block.values)
    return found


def merged_evidence(cells: Iterable[KeptCell], roles: Roles) -> Evidence:
    """Return what the rows of some cells say together."""
    evidence = (
        Evidence.from_json(cell.evidence, roles) for cell in cells if cell.evidence is not None
    )
    return reduce(Evidence.merged, evidence, Evidence(roles))


def texts_of(text: bytes, schema: Schema) -> Any:
    """Read lines back as a RecordBatch of strings, in which every type can be told again."""
    import pyarrow as pa
    from pyarrow import csv

    kinds = {name: pa.binary() for name in KEYED}  # which no column of a table may be called
    names = {column.name: pa.string() for column in schema.all}
    read = csv.ReadOptions(column_names=[*kinds, *names], block_size=1 << 30, use_threads=False)
    convert = csv.ConvertOptions(
        column_types=kinds | names, include_columns=list(names), strings_can_be_null=False
    )
    table = csv.read_csv(pa.BufferReader(text), read, convert_options=convert)
    (batch,) = table.combine_chunks().to_batches()
    columns = [
        _unescaped(pa, array) if column.written == "text" else array
        for column, array in zip(schema.all, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(names))


def _unescaped(pa: Any, array: Any) -> Any:
    import pyarrow.compute as pc

    if not pc.any(pc.starts_with(array, pattern="'")).as_py():
        return array
    texts, codes = coded(array)
    return pa.array(map(unescape, texts), pa.string()).take(pa.array(codes))
