"""What some rows say of their columns: bounded, gathered block by block, and merged (law 2).

Evidence of the rows of two sets is that of their union: merging is commutative and associative, and
no order of rows, of blocks or of merges changes anything of it. Everything in it is a count, a
yes or no, or a set that says *more than N* (it is None) beyond its bound. So a cell can keep its
evidence, and what follows from all rows follows from that of all cells.

A row counts if it has a value in the label column; in a table without a label every row does. A row
whose label is a mark such as NA is a row of that class if labels are text, and no row at all if
labels are numbers; what such rows say of the columns is kept apart until that is known.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lineage_store.data.number_arrays import Mask, holds_text, read_numbers
from lineage_store.data.number_text import class_text, number_text
from lineage_store.data.schema import Column, Label, Roles, Schema
from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.sources.text_rows import Kind, texts_of

MOST_NUMBER_CLASSES = 20
MOST_STRING_CLASSES = 1000
Value = TypeVar("Value", str, float)


@dataclass
class Evidence:
    """What has been seen of the columns so far; memory is bounded, whatever the rows' number.

    `texts` are the columns, by their place, in which a row that counts holds a text that is no
    number; `texts_if_marked` those in which a row with a marked label does.
    """

    roles: Roles
    rows: int = 0
    marked_rows: int = 0
    texts: frozenset[int] = frozenset()
    texts_if_marked: frozenset[int] = frozenset()
    label_text_seen: bool = False
    label_fraction_seen: bool = False
    label_numbers: frozenset[float] | None = frozenset()
    label_strings: frozenset[str] | None = frozenset()

    def add_block(self, values: Any) -> None:
        """Take rows into account: a pyarrow RecordBatch of strings, that of the label last."""
        if self.roles.label is None:
            self.rows += values.num_rows
            self.texts |= self._with_text(values, self.texts, None)
            return
        labels = values.column(values.num_columns - 1)
        read = read_numbers(labels)
        is_number = ~(read.missing | read.texts)
        numbers = read.values[is_number]
        self.label_text_seen |= bool(read.texts.any())
        self.label_fraction_seen |= bool((numbers != np.floor(numbers)).any())
        if self.label_numbers is not None:
            found = {number + 0.0 for number in np.unique(numbers).tolist()}  # -0.0 is 0.0
            self.label_numbers = _bounded(self.label_numbers | found, MOST_NUMBER_CLASSES)
        if self.label_strings is not None:
            words = {word for word in texts_of(labels.unique()) if word}
            self.label_strings = _bounded(self.label_strings | words, MOST_STRING_CLASSES)
        counted = is_number | read.texts
        self.rows += int(np.count_nonzero(counted))
        self.texts |= self._with_text(values, self.texts, counted)
        if read.missing.any():
            marked = read.missing & _not_empty(labels)
            self.marked_rows += int(np.count_nonzero(marked))
            self.texts_if_marked |= self._with_text(values, self.texts_if_marked, marked)

    def merged(self, other: "Evidence") -> "Evidence":
        """Return the evidence of the rows of both, of tables with the same roles."""
        return Evidence(
            self.roles,
            self.rows + other.rows,
            self.marked_rows + other.marked_rows,
            self.texts | other.texts,
            self.texts_if_marked | other.texts_if_marked,
            self.label_text_seen or other.label_text_seen,
            self.label_fraction_seen or other.label_fraction_seen,
            _united(self.label_numbers, other.label_numbers, MOST_NUMBER_CLASSES),
            _united(self.label_strings, other.label_strings, MOST_STRING_CLASSES),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, without the roles."""
        return {
            "rows": self.rows,
            "marked_rows": self.marked_rows,
            "texts": sorted(self.texts),
            "texts_if_marked": sorted(self.texts_if_marked),
            "label_text_seen": self.label_text_seen,
            "label_fraction_seen": self.label_fraction_seen,
            "label_numbers": _listed(self.label_numbers),
            "label_strings": _listed(self.label_strings),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], roles: Roles) -> "Evidence":
        """Read the value back."""
        sets = ("texts", "texts_if_marked", "label_numbers", "label_strings")
        told = {name: None if value[name] is None else frozenset(value[name]) for name in sets}
        return cls(roles, **{**value, **told})

    def conclude(self) -> Schema:
        """Return what the rows say.

        Raises NothingToLearn if they leave nothing to learn: no row, or a label with one value;
        BadInput if the label is text with too many values to be classes.
        """
        rows, texts = self.rows, self.texts
        if self.label_text_seen:
            rows, texts = rows + self.marked_rows, texts | self.texts_if_marked
        name = self.roles.label
        if not rows:
            there = "is there" if name is None else f"has a value in the label column {name!r}"
            raise NothingToLearn(f"No row {there}.")
        columns = tuple(
            Column(column, "text" if place in texts else "number")
            for place, column in enumerate(self.roles.columns)
        )
        return Schema(columns, () if name is None else (self._label(name),))

    def _with_text(self, values: Any, known: frozenset[int], rows: Mask | None) -> set[int]:
        """Return the columns, but for those known, in which any of some rows holds a text."""
        import pyarrow as pa

        wanted = [place for place in range(len(self.roles.columns)) if place not in known]
        if rows is not None and not rows.all():
            chosen = pa.array(np.flatnonzero(rows))
            return {one for one in wanted if holds_text(values.column(one).take(chosen))}
        return {one for one in wanted if holds_text(values.column(one))}

    def _label(self, name: str) -> Label:
        kind: Kind = "text" if self.label_text_seen else "number"
        classes = self._classes(name)
        if classes is None:
            return Label(name, kind, "regression")
        if len(classes) < 2:
            raise NothingToLearn(
                f"The label column {name!r} has one class: a model needs at least two."
            )
        return Label(name, kind, "classification", classes)

    def _classes(self, name: str) -> tuple[str, ...] | None:
        if self.label_text_seen:
            if self.label_strings is None:
                raise BadInput(
                    f"The label column {name!r} holds text with more than "
                    f"{MOST_STRING_CLASSES} distinct values: that is no class label."
                )
            return tuple(sorted(self.label_strings))
        if self.label_numbers is not None and len(self.label_numbers) == 1:
            return tuple(number_text(number) for number in self.label_numbers)
        if self.label_fraction_seen or self.label_numbers is None:
            return None
        return tuple(class_text(number) for number in sorted(self.label_numbers))


def _not_empty(texts: Any) -> Mask:
    import pyarrow.compute as pc

    mask: Mask = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    return mask


def _bounded(values: frozenset[Value], most: int) -> frozenset[Value] | None:
    return values if len(values) <= most else None


def _united(
    one: frozenset[Value] | None, other: frozenset[Value] | None, most: int
) -> frozenset[Value] | None:
    return None if one is None or other is None else _bounded(one | other, most)


def _listed(values: Collection[Value] | None) -> list[Value] | None:
    return None if values is None else sorted(values)
