"""The register of requests comes to an end, too: entries and names of staff, after some years.

What is kept of a request that is over says that, when and by whom it was answered: to account for
it (Article 5(2) GDPR), and no longer than that needs (5(1)(e)). After the policy's years (three by
default: the time in which claims come under many a law) its entry goes, with the commitments of
its ids. So do the names of those of the staff whose last deed is as long ago: they are data
subjects like anybody. The log keeps numbers, as it must, and an event says what was ended.

The newest entry stays until there is a newer one, so that no number of a request is given twice.
"""

import sqlite3
from datetime import date

from lineage_store.log import events
from lineage_store.log.events import LogConnection
from lineage_store.log.kinds import RegisterEnded

OVER = (
    "ended IS NOT NULL AND substr(ended, 1, 10) < ? AND ordinal < (SELECT max(ordinal) FROM queue)"
)


def years_before(today: str, years: int) -> str:
    """Return the day so many years before a day; of 29 February the 28th where there is none."""
    day = date.fromisoformat(today)
    try:
        return day.replace(year=day.year - years).isoformat()
    except ValueError:
        return day.replace(year=day.year - years, day=28).isoformat()


def has_ended(connection: sqlite3.Connection, *, before: str) -> bool:
    """Say whether there is an entry, or a name, of which the time is over."""
    found = connection.execute(f"SELECT 1 FROM queue WHERE {OVER} LIMIT 1", (before,)).fetchone()
    return found is not None or bool(_staff(connection, before=before))


def end_register(connection: LogConnection, *, before: str, time: str) -> None:
    """Erase the entries that were over before a day, and names of staff; log how many.

    Part of the caller's transaction.
    """
    over = connection.execute(f"SELECT id FROM queue WHERE {OVER}", (before,)).fetchall()
    for (request,) in over:
        for table in ("queue_ids", "answered"):
            connection.execute(f"DELETE FROM {table} WHERE request = ?", (request,))
        connection.execute("DELETE FROM queue WHERE id = ?", (request,))
    staff = _staff(connection, before=before)
    connection.executemany("DELETE FROM staff WHERE number = ?", [(one,) for one in staff])
    if over or staff:
        what = RegisterEnded(before, len(over), len(staff))
        events.append(connection, what, time=time)


def _staff(connection: sqlite3.Connection, *, before: str) -> list[str]:
    """Return those of the staff who did nothing since a day."""
    found = []
    for (number,) in connection.execute("SELECT number FROM staff").fetchall():
        (last,) = connection.execute(
            "SELECT max(time) FROM events WHERE body LIKE ?", (f'%"by":"{number}"%',)
        ).fetchone()
        if last is not None and last[:10] < before:
            found.append(number)
    return found
