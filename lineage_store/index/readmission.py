"""Re-consent: who was forgotten agrees anew, and may be trained on again.

An entry of the exclusion manifest moves to a table of its own, so that it keeps nobody out any more
and still tells that the person was forgotten once. The event log says for each deletion how many of
its entries were lifted, so that an entry that only vanished is told by `doctor`.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence

from lineage_store.errors import NothingFound
from lineage_store.index import deletions
from lineage_store.index.deletions import Exclusion
from lineage_store.log import events
from lineage_store.log.events import LogConnection
from lineage_store.log.kinds import ExclusionLifted


def create_lifted(connection: sqlite3.Connection) -> None:
    """Make the table of lifted entries."""
    connection.execute(
        "CREATE TABLE lifted (commitment TEXT NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL, "
        "since TEXT NOT NULL, models TEXT NOT NULL, time TEXT NOT NULL)"
    )


def lift(connection: LogConnection, commitments: Sequence[str], *, time: str) -> list[Exclusion]:
    """Lift the manifest's entries of some ids, and log it; return them, in the order given.

    Part of the caller's transaction. Raises NothingFound, and changes nothing, if one of them is
    not kept out.
    """
    entries = [deletions.exclusion(connection, commitment) for commitment in commitments]
    known = [entry for entry in entries if entry is not None]
    if len(known) < len(entries):
        place = entries.index(None) + 1
        which = "id given" if len(entries) == 1 else f"id {place} of {len(entries)} given"
        raise NothingFound(f"The {which} is not kept out of this workspace; nothing was changed.")
    for entry in known:
        connection.execute(
            "INSERT INTO lifted SELECT commitment, kind, request, since, models, ? "
            "FROM exclusions WHERE commitment = ?",
            (time, entry.commitment),
        )
        connection.execute("DELETE FROM exclusions WHERE commitment = ?", (entry.commitment,))
    for request, count in sorted(Counter(entry.request for entry in known).items()):
        events.append(connection, ExclusionLifted(request, count), time=time)
    return known
