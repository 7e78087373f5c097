"""Texts as values of a schema's columns, each in its one spelling, in bulk.

It is `Column.canonical` for whole columns: a column of numbers becomes float64, one of texts stays
what it is, one of dates its one spelling, and what is missing is null.
"""

from typing import Any

import numpy as np

from lineage_store.data.number_arrays import Mask, read_arrays, read_dates, read_numbers
from lineage_store.data.number_text import class_text, is_missing_number
from lineage_store.data.schema import FIRST_RULES, Column, Label, Schema
from lineage_store.texts.text_rows import coded


def typed_block(values: Any, schema: Schema) -> tuple[Any, Mask]:
    """Return the values of the rows that have their labels, and which rows these are.

    `values` is a pyarrow RecordBatch of n strings a column, in the order of `schema.all`. Returned
    are a RecordBatch of those rows alone, named as in the schema: float64 for a column that keeps
    numbers, strings for others, null for what is missing; and a mask (n,). Raises ValueError if a
    column of numbers holds a text in such a row.
    """
    import pyarrow as pa

    first, after = len(schema.columns), len(schema.columns) + len(schema.labels)
    given = values.columns
    labels = [_label(*one) for one in zip(given[first:after], schema.labels, strict=True)]
    labelled = np.ones(values.num_rows, np.bool_)
    for _, known in labels:
        labelled &= known
    given[first:after] = [label for label, _ in labels]
    if not labelled.all():
        given = [column.take(pa.array(np.flatnonzero(labelled))) for column in given]
    typed = [
        column if first <= place < after else _column(column, of)
        for place, (column, of) in enumerate(zip(given, schema.all, strict=True))
    ]
    return pa.RecordBatch.from_arrays(typed, names=[of.name for of in schema.all]), labelled


def _column(given: Any, of: Column) -> Any:
    import pyarrow as pa

    if of.kind == "text":
        return _texts(given)
    if of.kind == "date":
        return read_dates(given)
    if of.kind == "array":
        return read_arrays(given)
    read = read_numbers(given)
    if read.texts.any():
        raise ValueError("a column of numbers holds text: the file changed between two passes")
    return pa.array(read.values, mask=read.missing)


def _label(given: Any, label: Label) -> tuple[Any, Mask]:
    """Return a label's values, and which rows have one."""
    import pyarrow as pa

    if label.kind == "text":
        texts = _texts(given) if label.rules == FIRST_RULES else _classes(given)
        return texts, texts.is_valid().to_numpy(zero_copy_only=False)
    read = read_numbers(given)
    known = ~(read.missing | read.texts)
    if label.task == "regression":
        return pa.array(read.values, mask=~known), known
    numbers, codes = np.unique(np.where(known, read.values, 0.0), return_inverse=True)
    names = pa.array(map(class_text, numbers.tolist()), pa.string())
    return names.take(pa.array(codes, mask=~known)), known


def _classes(given: Any) -> Any:
    """Return texts without white space around them, null for a mark of what is missing."""
    import pyarrow as pa

    spellings, codes = coded(given)
    names = [None if is_missing_number(one) else one.strip() for one in spellings]
    return pa.array(names, pa.string()).take(pa.array(codes))


def _texts(given: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(given, ""), pa.scalar(None, pa.string()), given)
