"""Who else may be meant: other spellings of the same ids that have rows.

Ids that are canonically the same are one person's, and are no question. Those that only fold alike
(`keys.subject_ids`) are: they are numbered, the one with the most rows first, and by the number an
answer names them. The spelling itself is for a terminal.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from lineage_store.counted import counted
from lineage_store.index import models, row_index
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import canonical_id, why_alike
from lineage_store.requests.details import Details, NearMatch
from lineage_store.workspace.folder import Workspace


@dataclass(frozen=True)
class OtherSpelling:
    """An id that may be the same person's: why, and how many rows a live model holds of it."""

    number: int
    id: str
    rows: int
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return what may be written down: all but the spelling."""
        return {"number": self.number, "rows": self.rows, "why": self.why}


@dataclass(frozen=True)
class Alike:
    """Other spellings that have rows, and of how many subjects that cannot be known."""

    spellings: tuple[OtherSpelling, ...] = ()
    not_compared: int = 0

    @property
    def by_number(self) -> dict[int, str]:
        """The spellings themselves: for a terminal, and nothing else."""
        return {one.number: one.id for one in self.spellings}

    def in_words(self) -> str:
        """Say it in sentences that follow another; nothing to say is no sentence."""
        sentences = []
        if self.spellings:
            count, rows = len(self.spellings), sum(one.rows for one in self.spellings)
            sentences.append(
                f"{counted(count, 'other spelling has', 'other spellings have')} rows ({rows:,}): "
                f"`unweave request add` asks whether they are meant."
            )
        if self.not_compared:
            sentences.append(
                f"Of {self.not_compared:,} subject{'s' if self.not_compared > 1 else ''} no "
                f"spelling is known, since an earlier unweave took them in: whether one of them is "
                f"meant is told by `unweave request add` with `source` and `column`."
            )
        return " ".join(sentences)

    def to_json(self) -> dict[str, Any]:
        """Return the part of an answer that tells of it."""
        return {"alike": [one.to_json() for one in self.spellings]} | self.of_the_unknown()

    def of_the_unknown(self) -> dict[str, Any]:
        """Return the part of an answer that says of how many subjects nothing can be known."""
        return {"not_compared": self.not_compared} if self.not_compared else {}


def other_spellings(
    connection: sqlite3.Connection, workspace: Workspace, keys: Keys, ids: Sequence[str]
) -> Alike:
    """Return the other spellings of some ids that have rows in live models."""
    live = [snapshot for _, _, snapshot in models.live_snapshots(connection)]
    meant = {canonical_id(one) for one in ids}
    found: dict[str, tuple[int, str]] = {}
    with closing(Pseudonyms(workspace.pseudonym_file, keys, to_read=True)) as pseudonyms:
        for one in ids:
            for other in pseudonyms.spelled_like(one):
                if canonical_id(other) in meant or other in found:
                    continue
                rows = _rows(connection, pseudonyms.find(other), live)
                if rows:
                    found[other] = rows, why_alike(one, other)
        not_compared = pseudonyms.unspelled()
    ordered = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
    return Alike(
        tuple(
            OtherSpelling(number, other, rows, why)
            for number, (other, (rows, why)) in enumerate(ordered, start=1)
        ),
        not_compared,
    )


def asking_for(
    connection: sqlite3.Connection, workspace: Workspace, details: Details
) -> tuple[Details, Alike]:
    """Return a request's details with the other spellings of its ids that have rows, and those.

    What a file has named already comes first, and once.
    """
    found = other_spellings(connection, workspace, workspace.keys(), details.ids)
    named = {one.id for one in details.near}
    more = (
        NearMatch(one.id, one.why, one.rows, sealed=True)
        for one in found.spellings
        if one.id not in named
    )
    return replace(details, near=(*details.near, *more)), found


def _rows(connection: sqlite3.Connection, pseudonym: bytes | None, live: Sequence[int]) -> int:
    if pseudonym is None:
        return 0
    counts = row_index.counts_of_subject(connection, pseudonym)
    return max((counts.get(snapshot, 0) for snapshot in live), default=0)
