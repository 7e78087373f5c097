"""What is told from the data: each column's kind, the task, the classes.

Law 2. All of it is a pure function of the retained rows, independent of their order, so a plan
can compute it again without the deleted rows and see whether anything changed.

A column holds *numbers* if every value that is not missing is a finite decimal number, and *texts*
otherwise. There are no integers: whether a column has fractions must not depend on one row.

A row counts if it has a value in the label column; in a table without a label every row does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lineage_store.data.number_text import class_text, column_number, is_missing_number, number_text
from lineage_store.data.record import Record
from lineage_store.data.schema import Column, Kind, Label, Roles, Schema
from lineage_store.errors import BadInput, NothingToLearn

MOST_NUMBER_CLASSES = 20
MOST_STRING_CLASSES = 1000


def infer(records: Iterator[Record], roles: Roles) -> Schema:
    """Infer kinds, task and classes from records alone; raises what `Evidence.conclude` raises."""
    evidence = Evidence(roles)
    for record in records:
        evidence.add(record.values)
    return evidence.conclude()


def in_terms_of(own: Schema, base: Schema | None) -> Schema:
    """Return what rows say in the terms of a base model's data: then it is what those rows said.

    Columns must have the base's names in its order. Any text may stand in a column of text, a class
    may be missing, and whole numbers may stand where the base learnt a regression; without a base
    rows speak for themselves. Raises BadInput saying what does not fit.
    """
    if base is None:
        return own
    mine, its = (one.roles for one in (own, base))
    if mine.columns != its.columns:
        names = sorted({*mine.columns} ^ {*its.columns})
        differ = f"one of the two lacks {', '.join(map(repr, names))}" if names else "their order"
        raise BadInput(
            f"The columns are not those of the base model's data ({differ}): give it the same "
            f"columns in the same order, or leave `base` out."
        )
    labels, wanted = (_labels_in_words(one) for one in (own, base))
    if labels != wanted:
        raise BadInput(
            f"The label column {labels} is not that of the base model's data, {wanted}: give it "
            f"the same, or leave `base` out."
        )
    for column, known in zip(own.columns, base.columns, strict=True):
        if (column.kind, known.kind) == ("text", "number"):
            raise BadInput(
                f"The column {column.name!r} holds text here and numbers in the base model's data: "
                f"correct it, or leave `base` out."
            )
    for label, known_label in zip(own.labels, base.labels, strict=True):
        foreign = label.task == "regression" or not {*label.classes} <= {*known_label.classes}
        if known_label.task == "classification" and foreign:
            raise BadInput(
                f"The label column {label.name!r} holds values that are no class of the base "
                f"model: leave these rows or `base` out."
            )
    return base


def _labels_in_words(schema: Schema) -> str:
    return ", ".join(f"{one.name!r} ({one.kind})" for one in schema.labels) or "(none)"


@dataclass
class Evidence:
    """What has been seen of the columns so far; memory is bounded, whatever the rows' number.

    A row whose label is a mark such as NA is a row of that class if labels are text, and no row at
    all if labels are numbers; what such rows say of the columns is kept apart until that is known.
    """

    roles: Roles
    rows: int = 0
    marked_rows: int = 0
    text_seen: list[bool] = field(init=False)
    text_seen_if_marked: list[bool] = field(init=False)
    label_text_seen: bool = False
    label_fraction_seen: bool = False
    label_numbers: set[float] = field(default_factory=set)
    label_strings: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.text_seen = [False] * len(self.roles.columns)
        self.text_seen_if_marked = [False] * len(self.roles.columns)

    def add(self, values: Sequence[str]) -> None:
        """Take one row into account: its values as given, that of the label last."""
        if self.roles.label is not None:
            label = values[-1]
            if label == "":
                return
            if len(self.label_strings) <= MOST_STRING_CLASSES:
                self.label_strings.add(label)
            number = column_number(label)
            if number is not None:
                self.label_fraction_seen |= not number.is_integer()
                if len(self.label_numbers) <= MOST_NUMBER_CLASSES:
                    self.label_numbers.add(number)
            elif is_missing_number(label):
                self.marked_rows += 1
                _note_text(self.text_seen_if_marked, values)
                return
            else:
                self.label_text_seen = True
        self.rows += 1
        _note_text(self.text_seen, values)

    def conclude(self) -> Schema:
        """Return what the rows say.

        Raises NothingToLearn if they leave nothing to learn: no row, or a label with one value;
        BadInput if the label is text with too many values to be classes.
        """
        rows, seen = self.rows, self.text_seen
        if self.label_text_seen:
            rows += self.marked_rows
            seen = [a or b for a, b in zip(seen, self.text_seen_if_marked, strict=True)]
        name = self.roles.label
        if not rows:
            there = "is there" if name is None else f"has a value in the label column {name!r}"
            raise NothingToLearn(f"No row {there}.")
        kinds: list[Kind] = ["text" if text else "number" for text in seen]
        columns = tuple(map(Column, self.roles.columns, kinds))
        return Schema(columns, () if name is None else (self._label(name),))

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
            if len(self.label_strings) > MOST_STRING_CLASSES:
                raise BadInput(
                    f"The label column {name!r} holds text with more than "
                    f"{MOST_STRING_CLASSES} distinct values: that is no class label."
                )
            return tuple(sorted(self.label_strings))
        if len(self.label_numbers) == 1:
            return tuple(number_text(number) for number in self.label_numbers)
        if self.label_fraction_seen or len(self.label_numbers) > MOST_NUMBER_CLASSES:
            return None
        return tuple(class_text(number) for number in sorted(self.label_numbers))


def _note_text(seen: list[bool], values: Sequence[str]) -> None:
    """Note which columns hold a text; further values, a label's, are of no column."""
    for place, (known, text) in enumerate(zip(seen, values, strict=False)):
        if not known and column_number(text) is None and not is_missing_number(text):
            seen[place] = True
