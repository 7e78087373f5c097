"""Which answers were sent: what the event log says, too, kept where a list can look it up."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SentAnswers:
    """The requests whose answer was sent, in an open file of the desk."""

    connection: sqlite3.Connection

    def add(self, request: str, *, time: str) -> bool:
        """Write down that an answer was sent; say whether that is new."""
        added = self.connection.execute("INSERT OR IGNORE INTO sent VALUES (?, ?)", (request, time))
        return added.rowcount == 1

    def among(self, requests: Sequence[str]) -> dict[str, str]:
        """Return those of some requests whose answer was sent, and when."""
        marks = ",".join("?" * len(requests))
        found = self.connection.execute(
            f"SELECT request, time FROM sent WHERE request IN ({marks})", tuple(requests)
        )
        return {row["request"]: row["time"] for row in found}
