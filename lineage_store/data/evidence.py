"""What some rows say of their columns: bounded, gathered block by block, and merged (law 2).

Evidence of the rows of two sets is that of their union: merging is commutative and associative, and
no order of rows, of blocks or of merges changes anything of it. Everything in it is a count, a
yes or no, or a set that says *more than N* (it is None) beyond its bound. So a cell can keep its
evidence, and what follows from all rows follows from that of all cells.

A row counts if it has a value in the label column; in a table without a label every row does. A row
whose label is a mark such as NA is a row of that class if labels are text, and no row at all if
labels are numbers; what such rows say of the columns is kept apart until that is known. That is by
the first rules; by the second ones such a row is none, whatever the labels are.

Of several labels a row needs a value in each, and what its labels say counts if it has: so a cell,
which keeps no values of other rows, says the same when it is asked again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from lineage_store.data.number_arrays import (
    Mask,
    Numbers,
    holds_no_date,
    holds_text,
    inexact_ones,
    read_numbers,
)
from lineage_store.data.number_text import class_text, is_missing_number, number_text
from lineage_store.data.schema import FIRST_RULES, WORD_RULES, Column, Label, Roles, Schema
from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.own_files.typed import typed
from lineage_store.texts.text_rows import Kind, rows_of_words, texts_of

MOST_NUMBER_CLASSES, MOST_CLASSES = 20, 1000
Value = TypeVar("Value", str, float)


@dataclass(frozen=True)
class LabelEvidence:
    """What has been seen of the values of one label."""

    text_seen: bool = False
    fraction_seen: bool = False
    numbers: frozenset[float] | None = frozenset()
    strings: frozenset[str] | None = frozenset()

    def seeing(self, read: Numbers, words: set[str], *, most_numbers: int) -> "LabelEvidence":
        """Return it with values: what was read of them as numbers, and their words."""
        present = read.values[~(read.missing | read.texts)]
        numbers, strings = self.numbers, self.strings
        if numbers is not None:
            found = {number + 0.0 for number in np.unique(present).tolist()}  # -0.0 is 0.0
            numbers = _bounded(numbers | found, most_numbers)
        if strings is not None:
            strings = _bounded(strings | words, MOST_CLASSES)
        return LabelEvidence(
            self.text_seen or bool(read.texts.any()),
            self.fraction_seen or bool((present != np.floor(present)).any()),
            numbers,
            strings,
        )

    def merged(self, other: "LabelEvidence", *, most_numbers: int) -> "LabelEvidence":
        """Return the evidence of the values of both."""
        return LabelEvidence(
            self.text_seen or other.text_seen,
            self.fraction_seen or other.fraction_seen,
            _united(self.numbers, other.numbers, most_numbers),
            _united(self.strings, other.strings, MOST_CLASSES),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "label_text_seen": self.text_seen,
            "label_fraction_seen": self.fraction_seen,
            "label_numbers": _listed(self.numbers),
            "label_strings": _listed(self.strings),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LabelEvidence":
        """Read the value back; it may say other things too."""
        numbers, strings = value["label_numbers"], value["label_strings"]
        return cls(
            value["label_text_seen"],
            value["label_fraction_seen"],
            None if numbers is None else frozenset(numbers),
            None if strings is None else frozenset(strings),
        )


@dataclass
class Evidence:
    """What has been seen of the columns so far; memory is bounded, whatever the rows' number.

    `texts` are the columns, by their place, in which a row that counts holds a text that is no
    number, `no_dates` those in which one holds what is no date; `texts_if_marked` those in which a
    row with a marked label holds a text. Marked rows are told apart by the first rules alone, which
    know no dates. `labels` are what the labels say, each for itself. `worded` are how many rows
    hold several words in a column, by its place, where any does; it is counted by the third rules.
    """

    roles: Roles
    rows: int = 0
    marked_rows: int = 0
    texts: frozenset[int] = frozenset()
    texts_if_marked: frozenset[int] = frozenset()
    labels: tuple[LabelEvidence, ...] = ()
    no_dates: frozenset[int] = frozenset()
    worded: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self.labels or (LabelEvidence(),) * max(1, len(self.roles.labels))

    def add_block(self, values: Any) -> None:
        """Take rows into account: a pyarrow RecordBatch of strings, in the order of the roles."""
        if self.roles.label is None:
            self.rows += values.num_rows
            self._see(values, None)
            return
        first = len(self.roles.columns)
        columns = values.columns[first : first + len(self.roles.labels)]
        each = [self._read(*one) for one in zip(columns, self.roles.labels, strict=True)]
        counted = ~np.any([read.missing for read in each], axis=0)
        if len(each) > 1 and not counted.all():
            self.add_block(_of(values, counted))
            return
        self.labels = tuple(
            label.seeing(read, self._words(column), most_numbers=self._most_numbers(name))
            for label, read, column, name in zip(
                self.labels, each, columns, self.roles.labels, strict=True
            )
        )
        self.rows += int(np.count_nonzero(counted))
        self._see(values, counted)
        (*_, read), (*_, column) = each, columns
        if self._by_first_rules and read.missing.any():
            marked = read.missing & _not_empty(column)
            self.marked_rows += int(np.count_nonzero(marked))
            self.texts_if_marked |= self._with_text(_of(values, marked), self.texts_if_marked)

    def _read(self, column: Any, label: str) -> Numbers:
        read = read_numbers(column)
        if not self._by_first_rules and self.roles.said.task_of(label) != "regression":
            read.texts[inexact_ones(column) & ~read.missing] = True
        return read

    def merged(self, other: "Evidence") -> "Evidence":
        """Return the evidence of the rows of both, of tables with the same roles."""
        return Evidence(
            self.roles,
            self.rows + other.rows,
            self.marked_rows + other.marked_rows,
            self.texts | other.texts,
            self.texts_if_marked | other.texts_if_marked,
            tuple(
                one.merged(another, most_numbers=self._most_numbers(name))
                for one, another, name in zip(
                    self.labels, other.labels, self.roles.labels or ("",), strict=True
                )
            ),
            self.no_dates | other.no_dates,
            _added(self.worded, other.worded),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, without the roles."""
        further = [label.to_json() for label in self.labels[1:]]
        return {
            "rows": self.rows,
            "marked_rows": self.marked_rows,
            "texts": sorted(self.texts),
            "texts_if_marked": sorted(self.texts_if_marked),
            **self.labels[0].to_json(),
            **({"further_labels": further} if further else {}),
            **({} if self._by_first_rules else {"no_dates": sorted(self.no_dates)}),
            **({"worded": sorted(self.worded.items())} if self._counts_words else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], roles: Roles) -> "Evidence":
        """Read the value back; raises TypeError if it is of other types."""
        each = [value, *value.get("further_labels", ())]
        found = cls(
            roles,
            value["rows"],
            value["marked_rows"],
            frozenset(value["texts"]),
            frozenset(value["texts_if_marked"]),
            tuple(map(LabelEvidence.from_json, each)),
            frozenset(value.get("no_dates", ())),
            dict(value.get("worded", ())),
        )
        return typed(found)

    def conclude(self) -> Schema:
        """Return what the rows say.

        Raises NothingToLearn if they leave nothing to learn: no row, or a label with one value;
        BadInput if the label is text with too many values to be classes.
        """
        rows, texts = self.rows, self.texts
        if self.labels[0].text_seen:
            rows, texts = rows + self.marked_rows, texts | self.texts_if_marked
        if not rows:
            raise NothingToLearn(f"No row {_in_labels(self.roles.labels)}.")
        columns = tuple(
            Column(column, self.roles.said.kind_of(column) or self._kind(place, texts))
            for place, column in enumerate(self.roles.columns)
        )
        labels = tuple(
            self._label(*one) for one in zip(self.roles.labels, self.labels, strict=False)
        )
        weights = tuple(Column(weight, "number") for weight in self.roles.weights)
        groups = tuple(Column(group, "text") for group in self.roles.groups)
        words = tuple(
            column.name
            for place, column in enumerate(columns)
            if column.kind == "text" and 2 * self.worded.get(place, 0) >= rows
        )
        return Schema(columns, labels, weights, groups, self.roles.said, words)

    @property
    def _counts_words(self) -> bool:
        return self.roles.said.rules >= WORD_RULES

    @property
    def _by_first_rules(self) -> bool:
        return self.roles.said.rules == FIRST_RULES

    def _most_numbers(self, label: str) -> int:
        """Return how many different numbers of a label may be classes."""
        is_said = self.roles.said.task_of(label) == "classification"
        return MOST_CLASSES if is_said else MOST_NUMBER_CLASSES

    def _words(self, labels: Any) -> set[str]:
        words = texts_of(labels.unique())
        if self._by_first_rules:
            return {word for word in words if word}
        return {word.strip() for word in words if not is_missing_number(word)}

    def _see(self, values: Any, rows: Mask | None) -> None:
        """Take the columns of some rows into account, or of all."""
        chosen = _of(values, rows)
        self.texts |= self._with_text(chosen, self.texts)
        if not self._by_first_rules:
            wanted = self._but(self.no_dates)
            found = (place for place in wanted if holds_no_date(chosen.column(place)))
            self.no_dates |= frozenset(found)
        if self._counts_words:  # of columns of numbers none holds a word
            seen = ((place, rows_of_words(chosen.column(place))) for place in sorted(self.texts))
            self.worded = _added(self.worded, {place: rows for place, rows in seen if rows})

    def _with_text(self, values: Any, known: frozenset[int]) -> frozenset[int]:
        """Return the columns, but for those known, that hold a text."""
        return frozenset(one for one in self._but(known) if holds_text(values.column(one)))

    def _but(self, known: frozenset[int]) -> list[int]:
        return [place for place in range(len(self.roles.columns)) if place not in known]

    def _kind(self, place: int, texts: frozenset[int]) -> Kind:
        if place not in texts:
            return "number"
        return "text" if self._by_first_rules or place in self.no_dates else "date"

    def _label(self, name: str, seen: LabelEvidence) -> Label:
        said = self.roles.said
        task = said.task_of(name)
        is_text = seen.text_seen or said.kind_of(name) == "text"
        if is_text and task == "regression":
            raise BadInput(
                f"The label column {name!r} holds text, and `task` says regression: a model learns "
                f"to tell numbers so."
            )
        if task == "regression":
            return Label(name, "number", "regression", rules=said.rules)
        # Of fractions each has a spelling of its own: as classes they are texts.
        is_text = is_text or (task == "classification" and seen.fraction_seen)
        kind: Kind = "text" if is_text else "number"
        classes = _classes(name, kind, seen, is_said=task == "classification")
        if classes is None:
            return Label(name, kind, "regression", rules=said.rules)
        if len(classes) < 2:
            raise NothingToLearn(
                f"The label column {name!r} has one class: a model needs at least two."
            )
        return Label(name, kind, "classification", classes, said.rules)


def _classes(
    name: str, kind: Kind, seen: LabelEvidence, *, is_said: bool
) -> tuple[str, ...] | None:
    """Return the classes of a label; None if it holds values. `is_said` that it has classes."""
    if kind == "text":
        if seen.strings is None:
            raise BadInput(
                f"The label column {name!r} holds text with more than {MOST_CLASSES} distinct "
                f"values: that is no class label."
            )
        return tuple(sorted(seen.strings))
    if seen.numbers is not None and len(seen.numbers) == 1:
        return tuple(number_text(number) for number in seen.numbers)
    if seen.numbers is None and is_said:
        raise BadInput(
            f"The label column {name!r} has more than {MOST_CLASSES} distinct values, and "
            f"`task` says classification: that is no class label."
        )
    if seen.fraction_seen or seen.numbers is None:
        return None
    return tuple(class_text(number) for number in sorted(seen.numbers))


def _in_labels(labels: Sequence[str]) -> str:
    if len(labels) > 1:
        return f"has a value in each of the label columns {', '.join(map(repr, labels))}"
    return f"has a value in the label column {labels[0]!r}" if labels else "is there"


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {place: one.get(place, 0) + other.get(place, 0) for place in {*one, *other}}


def _of(values: Any, rows: Mask | None) -> Any:
    """Return some rows of a RecordBatch, or all."""
    import pyarrow as pa

    return values if rows is None or rows.all() else values.take(pa.array(np.flatnonzero(rows)))


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
