"""The workspaces that are joined to the desk: known by their public key, wherever they lie.

Each has a number, given when it was first served here. One that cannot be read now is known by
where it lay. A folder in which another workspace lies by now is another one.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lineage_store.errors import BadInput, NothingFound, UnweaveError
from lineage_store.keys import Keys, keyed, seal, unseal
from unweave.web.accounts.desk_file import desk_file
from unweave.web.process.desk import Desk

# What reading a workspace may raise that is gone, locked away, or another's.
UNREADABLE = (UnweaveError, OSError, sqlite3.Error)
NAME_BYTES = 16  # of the digest of a public key


@dataclass(frozen=True)
class Place:
    """A joined workspace: its number and name, its desk, and why it cannot be reached, if so.

    `seen` is the last request of the home that was looked at for it, None before the first time.
    """

    number: int
    name: str
    desk: Desk | None
    why: str | None
    seen: int | None = None

    @property
    def reached(self) -> Desk:
        """Its desk; raises BadInput for one that cannot be reached."""
        if self.desk is None or self.why is not None:
            raise BadInput(self.why or f"The workspace {self.name} is not served here.")
        return self.desk


def joined_to(home: Desk, roots: tuple[Path, ...]) -> Desk:
    """Return a desk that serves other workspaces, too.

    Raises BadInput for the same one twice, and for one that is not there and never was served here:
    a slip of the hand would else wait for ever to be reached.
    """
    others = tuple(
        Desk(
            root=root,
            binding=home.binding,
            now=home.now,
            random_bytes=home.random_bytes,
            python=home.python,
            run=home.run,
            correct=home.correct,
        )
        for root in roots
    )
    found = Desk(
        root=home.root,
        binding=home.binding,
        now=home.now,
        random_bytes=home.random_bytes,
        python=home.python,
        run=home.run,
        correct=home.correct,
        pages=home.pages,
        joined=others,
    )
    known: dict[str, Path] = {}
    for one in (found, *others):
        identity, why = _read(one)
        if identity is None and one is not found and not _was_served(found, one):
            raise BadInput(f"{why} Only one that was served here before may be away.")
        if identity is not None and identity in known:
            raise BadInput(
                f"{one.root} and {known[identity]} are one workspace, or a copy of it: name each "
                f"once."
            )
        if identity is not None:
            known[identity] = one.root
    return found


@contextmanager
def own_file(desk: Desk) -> Iterator[tuple[sqlite3.Connection, Keys]]:
    """Open the desk's file for one transaction, with the keys of its workspace."""
    keys = desk.session.workspace().keys()
    with desk_file(desk.root) as connection:
        yield connection, keys


def places_of(desk: Desk) -> tuple[Place, ...]:
    """Return the workspaces that are joined, in the order in which they were named."""
    found: list[Place] = []
    if not desk.joined:
        return ()
    read = [(one, *_read(one)) for one in desk.joined]
    own, _ = _read(desk)
    with own_file(desk) as (connection, keys):
        for one, identity, why in read:
            number, seen = _number(desk, connection, keys, one, identity)
            others = {place.number for place in found}
            if number in others or (identity is not None and identity == own):
                why = f"{one.root} is a copy of another workspace that is served here."
            found.append(Place(number, _name_of(one), one, why, seen))
    names = [place.name for place in found]
    return tuple(
        one if names.count(one.name) == 1 else replace(one, name=f"{one.name}-{one.number}")
        for one in found
    )


def place_of(desk: Desk, number: int, served: tuple[Place, ...]) -> Place:
    """Return a workspace by its number, also one that is not served any more."""
    for place in served:
        if place.number == number:
            return place
    with own_file(desk) as (connection, keys):
        row = connection.execute("SELECT * FROM joined WHERE number = ?", (number,)).fetchone()
    name = "?" if row is None else _name(keys, row)
    why = f"The workspace {name} is not served here now: name it after `unweave serve`, too."
    return Place(number, name, None, why)


def _was_served(desk: Desk, one: Desk) -> bool:
    with own_file(desk) as (connection, keys):
        found = connection.execute("SELECT 1 FROM joined WHERE path = ?", (_path(keys, one),))
        return found.fetchone() is not None


def _path(keys: Keys, one: Desk) -> bytes:
    return keyed(keys.requests, "joined", str(one.root.resolve()).encode("utf-8"))


def _name_of(one: Desk) -> str:
    """Return what a workspace is called: as its folder, which a folder of a pack is called, too."""
    return re.sub(r"[^\w.-]+", "-", one.root.resolve().name) or "workspace"


def _read(one: Desk) -> tuple[str | None, str | None]:
    """Return which workspace lies there, and why it cannot be reached."""
    try:
        workspace = one.session.workspace()
        workspace.keys()
        with one.session.reading():
            pass
        data = workspace.public_key.read_bytes()
    except UNREADABLE as error:
        return None, f"The workspace {_name_of(one)} cannot be reached: {_cause(error)}"
    return hashlib.sha256(data).digest()[:NAME_BYTES].hex(), None


def _cause(error: Exception) -> str:
    if isinstance(error, NothingFound):
        return "there is none where it lay. Mount it, or serve it from where it lies now."
    if isinstance(error, UnweaveError):
        return str(error)
    what = error.strerror if isinstance(error, OSError) else None
    return f"{what or 'its index cannot be read'}; see that it is mounted, and may be read."


def _number(
    desk: Desk, connection: sqlite3.Connection, keys: Keys, one: Desk, identity: str | None
) -> tuple[int, int | None]:
    """Return the number of a workspace, a new one at the first time, and what was seen for it."""
    path = _path(keys, one)
    row = None
    if identity is not None:
        row = connection.execute("SELECT * FROM joined WHERE identity = ?", (identity,)).fetchone()
    if row is None:  # never read so far, or not readable now: the one that lay there last
        unread = "" if identity is None else " AND identity IS NULL"
        row = connection.execute(
            f"SELECT * FROM joined WHERE path = ?{unread} ORDER BY number DESC", (path,)
        ).fetchone()
    if row is None:
        cursor = connection.execute(
            "INSERT INTO joined (path, identity, name) VALUES (?, ?, x'')", (path, identity)
        )
        number, seen = int(cursor.lastrowid or 0), None
    else:
        number, seen = int(row["number"]), row["seen"]
        if row["path"] == path and row["identity"] == (identity or row["identity"]):
            return number, seen
    name = seal(
        {"name": _name_of(one)},
        key=keys.requests,
        belongs_to=f"joined {number}",
        random_bytes=desk.random_bytes,
    )
    connection.execute(
        "UPDATE joined SET path = ?, identity = coalesce(?, identity), name = ? WHERE number = ?",
        (path, identity, name, number),
    )
    return number, seen


def _name(keys: Keys, row: sqlite3.Row) -> str:
    number = row["number"]
    return str(unseal(row["name"], key=keys.requests, belongs_to=f"joined {number}")["name"])
