"""What is told from the data: each column's type, the task, the classes.

Law 2. All of it is a pure function of the retained rows, independent of their order, so a plan
can compute it again without the deleted rows and see whether anything changed.

There are two types. A column is *number* if every value that is not missing is a finite decimal
number, and *string* otherwise. There is no integer type: whether a column has fractions must not
depend on one row. An id such as 001 is no number, for its zeros mean something.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lineage_store.errors import BadInput, NothingToLearn

ColumnType = Literal["number", "string"]
Task = Literal["classification", "regression"]

NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
MOST_NUMBER_CLASSES = 20
MOST_STRING_CLASSES = 1000


def is_missing_number(text: str) -> bool:
    """Say whether a text stands for a missing value in a column of numbers."""
    return text.strip().lower() in MISSING


def parse_number(text: str) -> float | None:
    """Read a decimal number (white space around it is ignored); None if it is not one."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def number_text(number: float) -> str:
    """Write a number so that reading it gives the same double: always with a point or exponent."""
    return repr(number)


def class_text(number: float) -> str:
    """Write a whole number as the name of a class."""
    return str(int(number))


@dataclass(frozen=True)
class Inference:
    """What was told from the rows; equal rows in any order give an equal value."""

    features: tuple[tuple[str, ColumnType], ...]
    label: str
    label_type: ColumnType
    task: Task
    classes: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the number columns, in the order of the file."""
        return tuple(name for name, kind in self.features if kind == "number")

    @property
    def strings(self) -> tuple[str, ...]:
        """The names of the string columns, in the order of the file."""
        return tuple(name for name, kind in self.features if kind == "string")

    def label_value(self, text: str) -> float | int | None:
        """Return a label's value: its class's index, or its number; None if it is missing."""
        name = self.class_of(text)
        if name is None:
            return None
        return self.classes.index(name) if self.task == "classification" else float(name)

    def class_of(self, text: str) -> str | None:
        """Return the label's canonical text; None if it is missing."""
        if self.label_type == "string":
            return text or None
        number = parse_number(text)
        if number is None:
            return None
        return class_text(number) if self.task == "classification" else number_text(number)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "features": [list(pair) for pair in self.features],
            "label": self.label,
            "label_type": self.label_type,
            "task": self.task,
            "classes": list(self.classes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Inference":
        """Read the value back."""
        return cls(
            features=tuple((name, kind) for name, kind in value["features"]),
            label=value["label"],
            label_type=value["label_type"],
            task=value["task"],
            classes=tuple(value["classes"]),
        )


def in_terms_of(own: Inference, base: Inference | None) -> Inference:
    """Return what rows say in the terms of a base model's data: then it is what those rows said.

    Columns must have the base's names in its order. Any text may stand in a column of text, a class
    may be missing, and whole numbers may stand where the base learnt a regression; without a base
    rows speak for themselves. Raises BadInput saying what does not fit.
    """
    if base is None:
        return own
    if [name for name, _ in own.features] != [name for name, _ in base.features]:
        names = sorted({n for n, _ in own.features} ^ {n for n, _ in base.features})
        differ = f"one of the two lacks {', '.join(map(repr, names))}" if names else "their order"
        raise BadInput(
            f"The columns are not those of the base model's data ({differ}): give it the same "
            f"columns in the same order, or leave `base` out."
        )
    if own.label != base.label or own.label_type != base.label_type:
        raise BadInput(
            f"The label column {own.label!r} ({own.label_type}) is not that of the base model's "
            f"data, {base.label!r} ({base.label_type}): give it the same, or leave `base` out."
        )
    for (name, kind), (_, wanted) in zip(own.features, base.features, strict=True):
        if (kind, wanted) == ("string", "number"):
            raise BadInput(
                f"The column {name!r} holds text here and numbers in the base model's data: "
                f"correct it, or leave `base` out."
            )
    foreign = own.task == "regression" or not set(own.classes) <= set(base.classes)
    if base.task == "classification" and foreign:
        raise BadInput(
            f"The label column {own.label!r} holds values that are no class of the base model: "
            f"leave these rows or `base` out."
        )
    return base


@dataclass
class Evidence:
    """What has been seen of the columns so far; memory is bounded, whatever the rows' number.

    A row whose label is a mark such as NA is a row of that class if labels are text, and no row at
    all if labels are numbers; what such rows say of the columns is kept apart until that is known.
    """

    features: Sequence[str]
    label: str
    rows: int = 0
    marked_rows: int = 0
    text_seen: list[bool] = field(init=False)
    text_seen_if_marked: list[bool] = field(init=False)
    label_text_seen: bool = False
    label_fraction_seen: bool = False
    label_numbers: set[float] = field(default_factory=set)
    label_strings: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.text_seen = [False] * len(self.features)
        self.text_seen_if_marked = [False] * len(self.features)

    def add(self, values: Sequence[str], label: str) -> None:
        """Take one row into account: its feature values and its label, as given."""
        if label == "":
            return
        if len(self.label_strings) <= MOST_STRING_CLASSES:
            self.label_strings.add(label)
        number = parse_number(label)
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

    def conclude(self) -> Inference:
        """Return what the rows say.

        Raises NothingToLearn if they leave nothing to learn: no row, or a label with one value;
        BadInput if the label is text with too many values to be classes.
        """
        if self.label_text_seen:
            self.rows += self.marked_rows
            seen = [a or b for a, b in zip(self.text_seen, self.text_seen_if_marked, strict=True)]
        else:
            seen = self.text_seen
        if not self.rows:
            raise NothingToLearn(f"No row has a value in the label column {self.label!r}.")
        kinds: tuple[tuple[str, ColumnType], ...] = tuple(
            (name, "string" if text else "number")
            for name, text in zip(self.features, seen, strict=True)
        )
        label_type: ColumnType = "string" if self.label_text_seen else "number"
        classes = self._classes()
        if classes is None:
            return Inference(kinds, self.label, label_type, "regression", ())
        if len(classes) < 2:
            raise NothingToLearn(
                f"The label column {self.label!r} has one class: a model needs at least two."
            )
        return Inference(kinds, self.label, label_type, "classification", classes)

    def _classes(self) -> tuple[str, ...] | None:
        if self.label_text_seen:
            if len(self.label_strings) > MOST_STRING_CLASSES:
                raise BadInput(
                    f"The label column {self.label!r} holds text with more than "
                    f"{MOST_STRING_CLASSES} distinct values: that is no class label."
                )
            return tuple(sorted(self.label_strings))
        if len(self.label_numbers) == 1:
            return tuple(number_text(number) for number in self.label_numbers)
        if self.label_fraction_seen or len(self.label_numbers) > MOST_NUMBER_CLASSES:
            return None
        return tuple(class_text(number) for number in sorted(self.label_numbers))


def _note_text(seen: list[bool], values: Sequence[str]) -> None:
    for place, text in enumerate(values):
        if not seen[place] and parse_number(text) is None and not is_missing_number(text):
            seen[place] = True
