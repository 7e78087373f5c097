"""Who did what at the desk: a number for each of the staff, and the name beside it, sealed.

The event log cannot forget, and staff are data subjects, too: so it bears a random number, and
which name that is stands in a table of its own, under the key of sealed requests. The same name,
whatever its case and spaces, has the same number; names are not proven.

    staff    number, digest (keyed, of the folded name), sealed
"""

import sqlite3
from collections.abc import Callable

from lineage_store.keys import Keys, seal, unseal
from lineage_store.keys.secret import keyed

BYTES = 4


def number_of(
    connection: sqlite3.Connection,
    keys: Keys,
    name: str,
    *,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Return the number of somebody by name, a new one at the first time."""
    digest = keyed(keys.requests, "staff", " ".join(name.casefold().split()).encode("utf-8"))
    row = connection.execute("SELECT number FROM staff WHERE digest = ?", (digest,)).fetchone()
    if row is not None:
        return str(row[0])
    number = f"s-{random_bytes(BYTES).hex()}"
    sealed = seal(
        {"name": name.strip()},
        key=keys.requests,
        belongs_to=f"staff {number}",
        random_bytes=random_bytes,
    )
    connection.execute("INSERT INTO staff VALUES (?, ?, ?)", (number, digest, sealed))
    return number


def name_of(connection: sqlite3.Connection, keys: Keys, number: str) -> str | None:
    """Return whose a number is; None if that is not known any more."""
    row = connection.execute("SELECT sealed FROM staff WHERE number = ?", (number,)).fetchone()
    if row is None:
        return None
    record = unseal(row[0], key=keys.requests, belongs_to=f"staff {number}")
    return str(record["name"])
