"""Which request is which part elsewhere, and what is still to be filed, sealed until it is.

A row is written as soon as a request is seen, before anything is done about it, so that nothing is
forgotten of what was to be done. Numbers and dates stand in it in clear, and nothing else. What is
sealed lies there when its people may be forgotten here: so that its length answers no guess about
them (law 9), it is filled up to whole pieces.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import canonical_json
from lineage_store.index import Queued
from lineage_store.keys import seal, unseal

PIECE = 1 << 14  # bytes


@dataclass(frozen=True)
class FiledPart:
    """A request, the number of a workspace, and its part there, once it is filed.

    `asked` is by what right, until when; `sealed` are the ids and words that are to be filed
    (`filled`). `after` is the last request that was there when the filing began, `carried`
    what was carried over since. It has `ended`, or the request is `over` at home, as far as was
    seen.
    """

    request: str
    workspace: int
    part: str | None
    asked: Mapping[str, Any]
    sealed: bytes | None
    after: int | None
    carried: Mapping[str, Any]
    ended: bool
    over: bool

    def is_as(self, request: Queued) -> bool:
        """Say whether what is to be filed is what the request has by now."""
        return dict(self.asked) == asked_of(request)

    @property
    def is_lost(self) -> bool:
        """Whether it can be filed no more: it was over at home before, and its names are gone."""
        return self.part is None and self.sealed is None


@dataclass(frozen=True)
class FiledParts:
    """The parts in an open file of the desk."""

    connection: sqlite3.Connection

    def note(
        self, workspace: int, requests: list[tuple[Queued, bytes | None]], *, seen: int
    ) -> None:
        """Write down that requests are to be filed in a workspace, and that all were looked at."""
        self.connection.executemany(
            "INSERT OR IGNORE INTO parts (request, workspace, asked, sealed) VALUES (?, ?, ?, ?)",
            [(one.id, workspace, _text(asked_of(one)), sealed) for one, sealed in requests],
        )
        self.connection.execute("UPDATE joined SET seen = ? WHERE number = ?", (seen, workspace))

    def refresh(self, workspace: int, request: Queued, sealed: bytes | None) -> None:
        """Keep what is to be filed as the request has it by now."""
        self.connection.execute(
            "UPDATE parts SET asked = ?, sealed = ? "
            "WHERE request = ? AND workspace = ? AND part IS NULL",
            (_text(asked_of(request)), sealed, request.id, workspace),
        )

    def begin(self, one: FiledPart, *, after: int) -> None:
        """Write down what was there before a part is filed."""
        self._set(one, "after = ?", after)

    def filed(self, one: FiledPart, part: str) -> None:
        """Write down the number of a part, and erase what was to be filed."""
        self._set(one, "part = ?, sealed = NULL", part)

    def carried(self, one: FiledPart, what: Mapping[str, Any]) -> None:
        """Write down what was carried over."""
        self._set(one, "carried = ?", _text(what))

    def ended(self, one: FiledPart) -> None:
        """Write down that a part is over."""
        self._set(one, "ended = 1")

    def over(self, one: FiledPart) -> None:
        """Write down that the request is over at home, and its part is not."""
        self._set(one, "over = 1")

    def drop(self, one: FiledPart) -> None:
        """Forget a part that was not filed, and need not be."""
        self.connection.execute(
            "DELETE FROM parts WHERE request = ? AND workspace = ? AND part IS NULL",
            (one.request, one.workspace),
        )

    def of(self, request: str) -> list[FiledPart]:
        """Return the parts of a request."""
        return self._found("WHERE request = ? ORDER BY workspace", request)

    def open_in(self, workspace: int) -> list[FiledPart]:
        """Return the parts in a workspace that have not ended, as far as was seen."""
        return self._found("WHERE ended = 0 AND workspace = ? ORDER BY request", workspace)

    def waiting(self, size: int) -> list[str]:
        """Return so many requests that are over at home, and of which a part has not ended."""
        found = self.connection.execute(
            "SELECT DISTINCT request FROM parts WHERE ended = 0 AND over = 1 LIMIT ?", (size,)
        )
        return [row["request"] for row in found]

    def open_among(self, requests: list[str]) -> list[str]:
        """Return those of some requests of which a part has not ended."""
        marks = ",".join("?" * len(requests))
        found = self.connection.execute(
            f"SELECT DISTINCT request FROM parts WHERE ended = 0 AND request IN ({marks})",
            tuple(requests),
        )
        return [row["request"] for row in found]

    def close(self, request: str) -> None:
        """Look for no part of a request any more: its answer was sent."""
        self.connection.execute(
            "UPDATE parts SET ended = 1, sealed = NULL WHERE request = ?", (request,)
        )

    def _set(self, one: FiledPart, what: str, *values: Any) -> None:
        self.connection.execute(
            f"UPDATE parts SET {what} WHERE request = ? AND workspace = ?",
            (*values, one.request, one.workspace),
        )

    def _found(self, where: str, *values: Any) -> list[FiledPart]:
        found = self.connection.execute(f"SELECT * FROM parts {where}", values)
        return [_part(row) for row in found]


def asked_of(request: Queued) -> dict[str, Any]:
    """Return by what right a request is and until when, and which sealed words: none in clear."""
    invoked, term = request.invoked, request.term
    return {
        "right": invoked.right,
        "ground": invoked.ground,
        "keep_rows": invoked.keep_rows,
        "received": request.created[:10] if term is None else term.received,
        "deadline": request.deadline,
        "words": None if request.sealed is None else hashlib.sha256(request.sealed).hexdigest(),
    }


def filled(request: Queued, *, key: bytes, random_bytes: Callable[[int], bytes]) -> bytes | None:
    """Return what a request keeps sealed, sealed once more in whole pieces; None if it is over."""
    if request.sealed is None:
        return None
    value = {"sealed": request.sealed.hex(), "fill": ""}
    value["fill"] = "0" * (-len(canonical_json(value)) % PIECE)
    bound = f"part of {request.id}"
    return seal(value, key=key, belongs_to=bound, random_bytes=random_bytes)


def unfilled(one: FiledPart, *, key: bytes) -> bytes | None:
    """Return what the request of a part kept sealed, as it was last seen."""
    if one.sealed is None:
        return None
    value = unseal(one.sealed, key=key, belongs_to=f"part of {one.request}")
    return bytes.fromhex(value["sealed"])


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True)


def _part(row: sqlite3.Row) -> FiledPart:
    return FiledPart(
        request=row["request"],
        workspace=row["workspace"],
        part=row["part"],
        asked=json.loads(row["asked"]),
        sealed=row["sealed"],
        after=row["after"],
        carried=json.loads(row["carried"]),
        ended=bool(row["ended"]),
        over=bool(row["over"]),
    )
