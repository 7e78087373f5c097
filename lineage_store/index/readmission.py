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
from lineage_store.index.manifest import drop_known
from lineage_store.log import events
from lineage_store.log.events import LogConnection
from lineage_store.log.kinds import ExclusionLifted


def create_lifted(connection: sqlite3.Connection) -> None:
    """Make the table of lifted entries."""
    connection.execute(
        "CREATE TABLE lifted (commitment TEXT NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL, "
        "since TEXT NOT NULL, models TEXT NOT NULL, time TEXT NOT NULL)"
    )


def lift(
    connection: LogConnection, asked: Sequence[Sequence[str]], *, time: str
) -> list[Exclusion]:
    """Lift all entries of some ids, of which each has one commitment or more, and log it.

    Returns the entries, in the order given. Part of the caller's transaction. Raises NothingFound,
    and changes nothing, if one of the ids is not kept out.
    """
    known: list[Exclusion] = []
    for place, commitments in enumerate(asked, start=1):
        entries = [deletions.exclusion(connection, one) for one in commitments]
        found = [entry for entry in entries if entry is not None]
        if not found:
            which = "id given" if len(asked) == 1 else f"id {place} of {len(asked)} given"
            raise NothingFound(
                f"The {which} is not kept out of this workspace; nothing was changed."
            )
        known += [entry for entry in found if entry not in known]
    for entry in known:
        connection.execute(
            "INSERT INTO lifted SELECT commitment, kind, request, since, models, ? "
            "FROM exclusions WHERE commitment = ?",
            (time, entry.commitment),
        )
        connection.execute("DELETE FROM exclusions WHERE commitment = ?", (entry.commitment,))
    drop_known(connection, [entry.commitment for entry in known])
    for request, count in sorted(Counter(entry.request for entry in known).items()):
        events.append(connection, ExclusionLifted(request, count), time=time)
    return known
