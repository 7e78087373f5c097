"""Rows of a table as they are summed: numbers on the grid, texts as entries (`row_sums`)."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from lineage_store.data import Schema
from lineage_store.rows import Rows
from unlearning.encoding.number_and_key_encoding import NUMBERS, TEXT_KEYS
from unlearning.encoding.value_keys import MISSING, key_of
from unlearning.linear.grid import Grid
from unlearning.linear.row_sums import RowSteps


def steps_of(rows: Rows, schema: Schema, grid: Grid) -> RowSteps:
    """Return rows as they are summed, with their label."""
    by_class = bool(schema.label.classes)
    return replace(
        features_of(rows, schema, grid),
        classes=rows.labels if by_class else None,
        values=None if by_class else grid.of_labels(rows.labels),
    )


def features_of(rows: Rows, schema: Schema, grid: Grid) -> RowSteps:
    """Return rows as they are summed, without a label: a number that is missing is an entry."""
    missing = np.isnan(rows[NUMBERS])
    none = [key_of(name, MISSING) for name in schema.names("number")]
    keys = rows[TEXT_KEYS]
    texts, numbers = (_places(schema, schema.names(kind)) for kind in ("text", "number"))
    return RowSteps(
        numbers=grid.of_numbers(rows[NUMBERS]),
        columns=np.array([*texts, *numbers], np.int64),
        entries=np.concatenate([keys, np.where(missing, none, 0).astype(np.int64)], axis=1),
        there=np.concatenate([np.ones(keys.shape, np.bool_), missing], axis=1),
        classes=None,
        values=None,
    )


def _places(schema: Schema, wanted: Collection[str]) -> list[int]:
    """Return where columns stand in the table."""
    return [place for place, column in enumerate(schema.columns) if column.name in wanted]
