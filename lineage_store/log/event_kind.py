"""What all kinds of events have in common (`kinds`, `desk_kinds`).

A field with a default came later, or is there for some events only: it is left out where it has
that value, so that events are written as they always were and older ones can be read. No field
names a person: the log cannot forget.
"""

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, ClassVar


class EventKind:
    """The name of a kind in the log, and the body of its events as JSON."""

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the body as it stands in the log."""
        values = ((field, getattr(self, field.name)) for field in fields_of(type(self)))
        return {
            field.name: value
            for field, value in values
            if field.default is MISSING or value != field.default
        }


def fields_of(kind: type[EventKind]) -> tuple[Field[Any], ...]:
    """Return the fields of a kind, which is a dataclass."""
    assert is_dataclass(kind)
    return fields(kind)
