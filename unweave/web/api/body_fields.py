"""What stands in a body and in a query, as the table of operations names it.

Each is JSON Schema for whoever asks, and a check here. What is wrong is said by the name that the
field has here, never by what was sent: an id may stand where none belongs.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

Kind = Literal["text", "file", "id", "ids", "day", "flag", "count"]
Wrong = tuple[str, str]  # a field, and what is wrong with it

LONGEST_TEXT, LONGEST_ID, MOST_IDS = 20_000, 500, 5_000
LONGEST_FILE = 16 << 20
LARGEST = 9_999_999
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
VISIBLE = r"\S"  # something must be in a text


@dataclass(frozen=True)
class Field:
    """A field of a body; of a text, `choices` are those that are taken."""

    name: str
    kind: Kind
    says: str
    required: bool = False
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema (2020-12)."""
        text: dict[str, Any] = {"type": "string", "minLength": 1, "pattern": VISIBLE}
        an_id = text | {"maxLength": LONGEST_ID}
        found: dict[str, Any] = {
            "text": text | {"maxLength": LONGEST_TEXT},
            "id": an_id,
            "ids": {"type": "array", "items": an_id, "minItems": 1, "maxItems": MOST_IDS},
            "day": {"type": "string", "format": "date", "pattern": f"^{DAY.pattern}$"},
            "flag": {"type": "boolean"},
            "count": {"type": "integer", "minimum": 0, "maximum": LARGEST},
            "file": text | {"maxLength": LONGEST_FILE},
        }[self.kind]
        if self.choices:
            found = {"type": "string", "enum": list(self.choices)}
        return found | {"description": self.says}

    def wrong(self, value: Any) -> str | None:
        """Say what is wrong with a value, or None."""
        if self.choices:
            known = ", ".join(self.choices)
            return None if value in self.choices else f"It is one of {known}."
        if self.kind == "flag":
            return None if isinstance(value, bool) else "It is true or false."
        if self.kind == "count":
            fits = type(value) is int and 0 <= value <= LARGEST
            return None if fits else f"It is a number of 0 to {LARGEST:,}."
        if self.kind == "ids":
            if not isinstance(value, list) or not 0 < len(value) <= MOST_IDS:
                return f"It is a list of one to {MOST_IDS:,} ids."
            return next(filter(None, (_wrong_text(one, LONGEST_ID) for one in value)), None)
        if self.kind == "day":
            return None if _is_day(value) else "It is a day, as 2026-01-31."
        longest = {"id": LONGEST_ID, "file": LONGEST_FILE}.get(self.kind, LONGEST_TEXT)
        return _wrong_text(value, longest)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query: what it matches whole, and what it is where it is left out."""

    name: str
    says: str
    pattern: str
    usual: str = ""
    choices: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return it as JSON Schema."""
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        return {"type": "string", "pattern": f"^{self.pattern}$"}

    def takes(self, value: str) -> bool:
        """Say whether a value is one that it takes."""
        if self.choices:
            return value in self.choices
        return re.fullmatch(self.pattern, value) is not None


def wrong_in_body(fields: Sequence[Field], body: Mapping[str, Any]) -> list[Wrong]:
    """Return what is wrong in a body, by field."""
    known = {one.name: one for one in fields}
    found = [(one.name, "It is missing.") for one in fields if one.required and _none(body, one)]
    found += [
        (name, why)
        for name, value in body.items()
        if name in known and value is not None and (why := known[name].wrong(value))
    ]
    return found + _unknown(known, body)


def wrong_in_query(parameters: Sequence[Parameter], query: Iterable[Wrong]) -> list[Wrong]:
    """Return what is wrong in the pairs of a query, by parameter."""
    known, given = {one.name: one for one in parameters}, list(query)
    names = [name for name, _ in given]
    found = [
        (name, "It is not as the description has it.")
        for name, value in given
        if name in known and not (known[name].takes(value) and names.count(name) == 1)
    ]
    return found + _unknown(known, dict(given))


def _unknown(known: Mapping[str, Any], given: Mapping[str, Any]) -> list[Wrong]:
    """Say that something is not taken here, and not how it was called: that may be an id, too."""
    if given.keys() <= known.keys():
        return []
    takes = ", ".join(known) or "none"
    return [("", f"There is something that is not taken here. What is: {takes}.")]


def _none(body: Mapping[str, Any], one: Field) -> bool:
    return body.get(one.name) is None


def _is_day(value: Any) -> bool:
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _wrong_text(value: Any, longest: int) -> str | None:
    if not isinstance(value, str) or not re.search(VISIBLE, value):
        return "It is a text, in which something stands."
    if len(value) > longest:
        return f"It is a text of {longest:,} characters at most."
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "It is no text in Unicode."
    return None
