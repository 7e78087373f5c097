"""What the lineage shows of a model: its line with its deletions, its parts, what started from it.

It stays within the model's own line and what that was trained from or for: a deletion has part in
other lines, too, and they are not this model's.
"""

import sqlite3
from dataclasses import dataclass

from lineage_store.index import base_of, models
from lineage_store.index.models import ModelRecord
from lineage_store.questions import Part, count_of_parts, parts_of
from lineage_store.workspace import Workspace

AT_ONCE = 50  # parts, units or cells of a page
AROUND = 30  # versions before and after one that are shown
LOOKED_AT = 200  # newest models, for those that started from one


@dataclass(frozen=True)
class Version:
    """A model of a line, and the deletion that made it, None of one that was trained."""

    model: str
    live: bool
    created: str
    rows: int
    deletion: str | None


@dataclass(frozen=True)
class Lineage:
    """What there is of a model: its line about it, oldest first, and a page of its parts.

    `left_out` counts the versions of its line that are further away. `base` is the model whose
    weights it started from, and `started` those that start from it.
    """

    model: Version
    line: tuple[Version, ...]
    left_out: int
    base: str | None
    started: tuple[str, ...]
    parts: tuple[Part, ...]
    count: int

    @property
    def deletions(self) -> tuple[str, ...]:
        """The deletions of the line shown, up to this model, oldest first."""
        until = next(n for n, one in enumerate(self.line) if one.model == self.model.model)
        return tuple(one.deletion for one in self.line[: until + 1] if one.deletion is not None)


def lineage_of(
    connection: sqlite3.Connection, workspace: Workspace, model: str, *, first: int = 0
) -> Lineage:
    """Return the lineage of a model, with its parts from a number on.

    Raises NothingFound for a model that there is not.
    """
    record = models.find_model(connection, model)
    every = models.of_line(connection, record.family)
    at = next(n for n, one in enumerate(every) if one.id == record.id)
    near = every[max(0, at - AROUND) : at + AROUND + 1]
    return Lineage(
        model=_version(record),
        line=tuple(_version(one) for one in near),
        left_out=len(every) - len(near),
        base=base_of(record),
        started=tuple(
            one.id
            for one in models.newest_models(connection, live_only=True, size=LOOKED_AT)
            if base_of(one) == record.id
        ),
        parts=parts_of(workspace, record, first=first, size=AT_ONCE),
        count=count_of_parts(workspace, record),
    )


def _version(one: ModelRecord) -> Version:
    rows: int = one.report["rows"]["train"]
    return Version(one.id, one.state == "live", one.created, rows, one.request)
