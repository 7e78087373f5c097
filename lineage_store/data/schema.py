"""The schema of a table: its columns by name and kind, and what some of them are for.

One value tells the gate, the snapshot, the row store, a family's encoding and its learner what a
row holds:

    columns   what a model reads, in the order of the table
    labels    what it learns to tell: a label is a column that knows its task and its classes
    weights   what a row counts for: numbers from 0 on, never missing, no feature of it
    groups    which rows belong together: a row is placed by its group, and of that no more is kept

All but the first are optional, the labels too. Which of them it takes is for a family to say
(`Family.unfit`), and for nobody else. A row has one value for each column, in the order of `all`,
but for its group: that is its place (`keyed_blocks`).

A column holds numbers, texts or dates, which are kept as texts in ISO 8601 and taken as numbers of
days; or arrays of numbers of any shape, if that is said or declared, each kept as one text
(`array_texts`). Of a type that a source declares no more than this kind is taken: widths,
categories and scales are functions of rows (law 2), and the keys of a family's own encoding. A
label's classes are texts whatever its column holds.

Where rows are interactions, one column says with what: `said.items` names it. It is read as text,
and it is the only one that is read.

`words` names the columns of texts whose values are words, many in each: messages, descriptions.
They are texts like any other, and a family may read them word by word.

A schema is told from the rows alone (`inference`) and from what was said of its columns
(`Declarations`), so that schemas which are equal mean that a deletion changed nothing of it.

As JSON it stands in snapshots, row stores and headers under `inference`, in the words of the first
version: a table of one label has `label`, `label_type`, `task` and `classes`, and `string` is a
column of texts. Without a label these keys are missing; several stand in a list, `labels`; and
`weights`, `groups` and `words` are there if there are any. What was said stands beside them, as
`rules`, `said_kinds`, `said_task` and `said_items`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lineage_store.data.number_text import (
    class_text,
    column_number,
    date_text,
    is_missing_number,
    number_text,
    parse_date,
)
from lineage_store.texts.array_texts import canonical_array
from lineage_store.texts.text_rows import Kind

Task = Literal["classification", "regression"]
WRITTEN: Mapping[Kind, str] = {
    "number": "number",
    "text": "string",
    "date": "date",
    "array": "array",
}
READ: Mapping[str, Kind] = {told: kind for kind, told in WRITTEN.items()}
KEPT: Mapping[Kind, Kind] = {"date": "number", "array": "text"}
FIRST_RULES = 1
WORD_RULES = 3
RULES = WORD_RULES
"""By which rules kinds are told. Since the second ones a column of dates holds dates, and a label
has no white space around it, and none of the marks that stand for a missing number. Since the third
ones it is told which columns of texts hold words."""


@dataclass(frozen=True)
class Declarations:
    """What is said of columns and not told from rows, and by which rules all else is told.

    `kinds` are those of some columns, by name: the user's or the source's word. `task` is what all
    labels are but those that `tasks` names. `items` is the column of what each row is an
    interaction with.
    """

    kinds: tuple[tuple[str, Kind], ...] = ()
    task: Task | None = None
    rules: int = FIRST_RULES
    tasks: tuple[tuple[str, Task], ...] = ()
    items: str | None = None

    def task_of(self, label: str) -> Task | None:
        """Return what is said that a label makes it."""
        return dict(self.tasks).get(label, self.task)

    def kind_of(self, column: str) -> Kind | None:
        """Return what is said of a column."""
        return dict(self.kinds).get(column)


@dataclass(frozen=True)
class Column:
    """One column: its name in the table, and what it holds."""

    name: str
    kind: Kind

    @property
    def kept(self) -> Kind:
        """The kind of its values as a model takes them: a date is a number, an array a text."""
        return KEPT.get(self.kind, self.kind)

    @property
    def written(self) -> Kind:
        """The kind of its values as they stand in a cell: a date and an array are texts."""
        return "number" if self.kind == "number" else "text"

    def canonical(self, text: str) -> str | None:
        """Return a value's one spelling, empty where it is missing; None for no value of these."""
        if self.kind == "text":
            return text
        if self.kind == "date":
            time = parse_date(text)
            missing = "" if is_missing_number(text) else None
            return missing if time is None else date_text(time)
        if self.kind == "array":
            return "" if is_missing_number(text) else canonical_array(text)
        number = column_number(text)
        if number is None:
            return "" if is_missing_number(text) else None
        return number_text(number)


@dataclass(frozen=True)
class Label(Column):
    """A column that a model learns to tell, and what follows from its values."""

    task: Task
    classes: tuple[str, ...] = ()
    rules: int = FIRST_RULES

    @property
    def kept(self) -> Kind:
        """The kind of its values as a model takes them: classes are texts."""
        return "text" if self.task == "classification" else "number"

    @property
    def written(self) -> Kind:
        """The kind of its values as they stand in a cell."""
        return self.kept

    def canonical(self, text: str) -> str | None:
        """Return the name of a class, or the one spelling of a number; None if it is missing."""
        if self.kind == "text":
            if self.rules == FIRST_RULES:
                return text or None
            return None if is_missing_number(text) else text.strip()
        number = column_number(text)
        if number is None:
            return None
        return class_text(number) if self.task == "classification" else number_text(number)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "label": self.name,
            "label_type": WRITTEN[self.kind],
            "task": self.task,
            "classes": list(self.classes),
        } | ({} if self.rules == FIRST_RULES else {"rules": self.rules})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Label":
        """Read the value back; it may say other things too."""
        kind, classes = READ[value["label_type"]], tuple(value["classes"])
        return cls(value["label"], kind, value["task"], classes, value.get("rules", FIRST_RULES))


@dataclass(frozen=True)
class Roles:
    """Which columns of a table are what, before anything is told of their kinds.

    A row has the values of `columns` in this order, and then those of the labels, if there are any,
    `label` first, and its weight, if it has any. Its group is its place.
    """

    columns: tuple[str, ...]
    label: str | None = None
    said: Declarations = Declarations()
    weights: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    further_labels: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all labels."""
        return (() if self.label is None else (self.label,)) + self.further_labels

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all columns, in the order in which a row has their values."""
        return (*self.columns, *self.labels, *self.weights)


@dataclass(frozen=True)
class Schema:
    """The columns of a table, and what some of them are for; see above."""

    columns: tuple[Column, ...]
    labels: tuple[Label, ...] = ()
    weights: tuple[Column, ...] = ()
    groups: tuple[Column, ...] = ()
    said: Declarations = Declarations()
    words: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Column, ...]:
        """Every column, in the order in which a row has their values."""
        return (*self.columns, *self.labels, *self.weights)

    @property
    def label(self) -> Label:
        """The label, if there is just one; raises ValueError otherwise."""
        (label,) = self.labels
        return label

    @property
    def first_label(self) -> Label | None:
        """The label that what knows of one alone speaks of; None if there is none."""
        return self.labels[0] if self.labels else None

    @property
    def roles(self) -> Roles:
        """What the gate is told of such a table."""
        names, labels, weights, groups = (
            tuple(column.name for column in some)
            for some in (self.columns, self.labels, self.weights, self.groups)
        )
        label = labels[0] if labels else None
        return Roles(names, label, self.said, weights, groups, labels[1:])

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return the names of the columns that a model takes as a kind, in the table's order."""
        return tuple(column.name for column in self.columns if column.kept == kind)

    @property
    def dates(self) -> tuple[str, ...]:
        """The names of the columns of dates, in the table's order."""
        return tuple(column.name for column in self.columns if column.kind == "date")

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the columns of arrays, in the table's order."""
        return tuple(column.name for column in self.columns if column.kind == "array")

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        told: dict[str, Any] = {"features": _pairs(self.columns)}
        if len(self.labels) == 1:
            told |= self.label.to_json()
        elif self.labels:
            told["labels"] = [label.to_json() for label in self.labels]
        if self.said.rules != FIRST_RULES:
            told["rules"] = self.said.rules
        if self.said.kinds:
            told["said_kinds"] = [[name, WRITTEN[kind]] for name, kind in self.said.kinds]
        if self.said.task is not None:
            told["said_task"] = self.said.task
        if self.said.items is not None:
            told["said_items"] = self.said.items
        if self.said.tasks:
            told["said_tasks"] = [[name, task] for name, task in self.said.tasks]
        if self.words:
            told["words"] = list(self.words)
        others = {"weights": self.weights, "groups": self.groups}
        return told | {role: _pairs(columns) for role, columns in others.items() if columns}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Schema":
        """Read the value back."""
        labels = value.get("labels", [value] if "label" in value else [])
        columns, weights, groups = (
            tuple(Column(name, READ[kind]) for name, kind in value.get(role, ()))
            for role in ("features", "weights", "groups")
        )
        said = Declarations(
            tuple((name, READ[kind]) for name, kind in value.get("said_kinds", ())),
            value.get("said_task"),
            value.get("rules", FIRST_RULES),
            tuple((name, task) for name, task in value.get("said_tasks", ())),
            value.get("said_items"),
        )
        words = tuple(value.get("words", ()))
        return cls(columns, tuple(map(Label.from_json, labels)), weights, groups, said, words)


def _pairs(columns: Sequence[Column]) -> list[list[str]]:
    return [[column.name, WRITTEN[column.kind]] for column in columns]
