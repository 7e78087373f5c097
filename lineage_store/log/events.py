"""The append-only log of what happened, which an auditor can check.

Every event is a row of the SQLite table `events` and a leaf of one Merkle tree (RFC 6962). Its leaf
covers all that is stored of it, so check() finds any event edited later. Whoever edits an event and
all its hashes is found by an earlier head: the tree's size and root, signed and kept elsewhere. A
log signed by its own operator proves nothing to someone who never kept a head.

Events carry no personal data: the log cannot forget. The triggers on the table stop accidents, not
attackers.

Sources: RFC 6962 (tree), C2SP signed-note and tlog-checkpoint (signed head).
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NewType, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput, CheckFailed, Damaged
from lineage_store.keys.signing import from_base64, is_signed_by, raw_public_key, to_base64
from lineage_store.log import merkle, subtrees

ORIGIN = "unweave.dev/log"

_TABLE = (
    """CREATE TABLE IF NOT EXISTS events (
        seq INTEGER PRIMARY KEY,
        time TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        leaf TEXT NOT NULL
    )""",
    """CREATE TRIGGER IF NOT EXISTS events_never_change BEFORE UPDATE ON events
       BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END""",
    """CREATE TRIGGER IF NOT EXISTS events_never_go BEFORE DELETE ON events
       BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END""",
)
_ROWS = "SELECT seq, time, kind, body, leaf FROM events ORDER BY seq"
_ROW = "SELECT seq, time, kind, body, leaf FROM events WHERE seq = ?"
_ROWS_OF_KIND = "SELECT seq, time, kind, body, leaf FROM events WHERE kind = ? ORDER BY seq"
_LATEST = (
    "SELECT seq, time, kind, body, leaf FROM events WHERE seq < ? AND (? IS NULL OR kind = ?) "
    "ORDER BY seq DESC LIMIT ?"
)
# What a body says of a request, and what follows: a text, whatever somebody made of the body.
_OF_REQUEST = """substr(body, instr(body, '"request":"'), 40)"""
_INDEXES = (
    f"CREATE INDEX IF NOT EXISTS events_by_request ON events ({_OF_REQUEST})",
    "CREATE INDEX IF NOT EXISTS events_by_kind ON events (kind)",
)
_ROWS_ABOUT = (
    f"SELECT seq, time, kind, body, leaf FROM events WHERE {_OF_REQUEST} >= ? "
    f"AND {_OF_REQUEST} < ? ORDER BY seq"
)

# The algorithm byte of Ed25519 in C2SP signed notes, and how many bytes of key hash they carry.
_NOTE_ED25519 = b"\x01"
_NOTE_KEY_BYTES = 4


@dataclass(frozen=True)
class Event:
    """One event: its number (from 1), its time as given, its kind, its body, its leaf hash."""

    seq: int
    time: str
    kind: str
    body: Mapping[str, Any]
    leaf: bytes


@dataclass(frozen=True)
class TreeHead:
    """The state of the log: how many events it holds, and the 32-byte root over them."""

    size: int
    root: bytes


class Loggable(Protocol):
    """What can be appended: the name of its kind, and its body (`kinds`)."""

    @property
    def name(self) -> str:
        """The kind of the event."""

    def to_json(self) -> Mapping[str, Any]:
        """Return the body of the event."""


# A connection within a transaction after which the log's head is signed: `signed_log` makes it.
LogConnection = NewType("LogConnection", sqlite3.Connection)


def create_table(connection: sqlite3.Connection) -> None:
    """Create the table `events`, and that of its tree, if they are not there yet."""
    for statement in _TABLE:
        connection.execute(statement)
    subtrees.create_subtrees(connection)


def index_events(connection: sqlite3.Connection) -> None:
    """Let events be found by what they are, and by the request that they name."""
    for statement in _INDEXES:
        connection.execute(statement)


def append(connection: LogConnection, what: Loggable, *, time: str) -> Event:
    """Append one event inside the caller's transaction, and return it as it will be read back.

    Several writers need BEGIN IMMEDIATE: two that read the same last number cannot both commit.
    """
    kind, text = what.name, canonical_json(what.to_json()).decode("utf-8")
    seq = subtrees.size_of(connection) + 1
    leaf = _leaf(seq=seq, time=time, kind=kind, body=text)
    connection.execute(
        "INSERT INTO events (seq, time, kind, body, leaf) VALUES (?, ?, ?, ?, ?)",
        (seq, time, kind, text, leaf.hex()),
    )
    subtrees.grow(connection, seq)
    return Event(seq=seq, time=time, kind=kind, body=json.loads(text), leaf=leaf)


def events(connection: sqlite3.Connection, *, kind: str | None = None) -> Iterator[Event]:
    """Yield the events, of one kind or all, in their order, as they are stored and unchecked.

    Raises CheckFailed at an event whose stored body or leaf cannot be read.
    """
    rows = connection.execute(_ROWS) if kind is None else connection.execute(_ROWS_OF_KIND, (kind,))
    return map(_event, rows)


def about(connection: sqlite3.Connection, request: str) -> Iterator[Event]:
    """Yield the events that name a request, or a deletion, in their order, as they are stored."""
    named = f'"request":{json.dumps(request)}'
    behind = named[:-1] + chr(ord('"') + 1)  # no other id begins so and ends there
    return map(_event, connection.execute(_ROWS_ABOUT, (named, behind)))


def latest(
    connection: sqlite3.Connection, *, before: int | None, size: int, kind: str | None = None
) -> list[Event]:
    """Return so many events of before a number, of one kind or all, newest first."""
    below = before if before is not None else 1 << 62
    rows = connection.execute(_LATEST, (below, kind, kind, size)).fetchall()
    return [_event(row) for row in rows]


def event(connection: sqlite3.Connection, seq: int) -> Event:
    """Return the event of a number, as it is stored and unchecked.

    Raises CheckFailed if there is none or it cannot be read.
    """
    row = connection.execute(_ROW, (seq,)).fetchone()
    if row is None:
        raise subtrees.missing(seq)
    return _event(row)


def _event(row: Sequence[Any]) -> Event:
    seq, time, name, body, leaf = row
    try:
        return Event(seq, time, name, json.loads(body), bytes.fromhex(leaf))
    except (TypeError, ValueError) as error:
        raise subtrees.changed(seq) from error


def leaves(connection: sqlite3.Connection) -> list[bytes]:
    """Return the stored leaf hashes in their order, for roots and proofs.

    Raises CheckFailed at an event whose stored leaf is not a hash.
    """
    hashes = []
    for seq, leaf in connection.execute("SELECT seq, leaf FROM events ORDER BY seq"):
        try:
            hashes.append(bytes.fromhex(leaf))
        except (TypeError, ValueError) as error:
            raise subtrees.changed(seq) from error
    return hashes


def is_covered(connection: sqlite3.Connection, event: Event, head: TreeHead) -> bool:
    """Say whether an event, told as it is stored, is in the log of a head: proven by its path.

    False also where the log is not whole on the way; `check` says what is wrong with it.
    """
    try:
        entry = {"seq": event.seq, "time": event.time, "kind": event.kind, "body": event.body}
        path = subtrees.inclusion_path(connection, event.seq, head.size)
        return merkle.verify_inclusion(
            leaf=leaf_of(entry), index=event.seq - 1, size=head.size, proof=path, root=head.root
        )
    except CheckFailed:
        return False


def head(connection: sqlite3.Connection) -> TreeHead:
    """Return the size and root of the log as it is stored; costs the same however long it is.

    Raises CheckFailed at an event that is missing or whose leaf cannot be read.
    """
    size = subtrees.size_of(connection)
    return TreeHead(size=size, root=subtrees.root(connection, size))


def check(connection: sqlite3.Connection, *, earlier: TreeHead | None = None) -> TreeHead:
    """Recompute every leaf from its stored fields, and return the recomputed head.

    Raises CheckFailed naming the first event that is missing, cannot be read, or does not match
    its leaf. With an `earlier` head it is also raised unless the log begins with that head's
    events, which is the only way to find a log that was rewritten or cut short as a whole.
    """
    hashes: list[bytes] = []
    try:
        for seq, time, kind, body, leaf in connection.execute(_ROWS):
            if seq != len(hashes) + 1:
                raise subtrees.missing(len(hashes) + 1)
            if not all(isinstance(field, str) for field in (time, kind, body, leaf)):
                raise subtrees.changed(seq)
            hashes.append(_leaf(seq=seq, time=time, kind=kind, body=body))
            if hashes[-1].hex() != leaf:
                raise subtrees.changed(seq)
    except (sqlite3.DatabaseError, Damaged) as error:
        raise CheckFailed(
            f"Event {len(hashes) + 1} of the event log cannot be read: "
            "restore the log from a backup."
        ) from error
    if earlier is not None:
        if earlier.size > len(hashes):
            raise CheckFailed(
                f"The event log holds {len(hashes)} events, but an earlier head covers "
                f"{earlier.size}: events were removed from its end; restore the log from a backup."
            )
        if merkle.root(hashes[: earlier.size]) != earlier.root:
            raise CheckFailed(
                f"The first {earlier.size} events of the log are not those that an earlier head "
                "covers: the log was rewritten; restore it from a backup."
            )
    return TreeHead(size=len(hashes), root=merkle.root(hashes))


def sign_head(tree_head: TreeHead, private_key: Ed25519PrivateKey, *, origin: str) -> bytes:
    """Return the head as a signed checkpoint, to be kept outside the reach of this workspace.

    `origin` names the log and its key: no spaces, no plus sign. Raises BadInput otherwise.
    Format: C2SP tlog-checkpoint, one Ed25519 signature.
    """
    text = _checkpoint(tree_head, origin=origin)
    key_hash = _note_key_hash(private_key.public_key(), name=origin)
    signature = to_base64(key_hash + private_key.sign(text))
    return text + f"\n\u2014 {origin} {signature}\n".encode()


def verify_head(data: bytes, public_key: Ed25519PublicKey, *, origin: str) -> TreeHead:
    """Return the head in a checkpoint signed by this key for this origin.

    Signatures of others, such as witnesses, may stand beside it and are not looked at. Raises
    CheckFailed if the checkpoint is malformed, of another log, or lacks a signature by the key.
    """
    text, _, signatures = data.partition(b"\n\n")
    text += b"\n"
    key_hash = _note_key_hash(public_key, name=origin)
    try:
        _, size, root, _ = text.decode("utf-8").split("\n")
        tree_head = TreeHead(size=int(size), root=from_base64(root))
        *lines, end = signatures.decode("utf-8").split("\n")
        notes = [_signature(line) for line in lines]
        if end or text != _checkpoint(tree_head, origin=origin):
            raise ValueError("not written as a checkpoint of this log is")
    except ValueError as error:
        raise CheckFailed(f"This is not a checkpoint of the log {origin}: {error}.") from error
    ours = [
        note[_NOTE_KEY_BYTES:]
        for name, note in notes
        if name == origin and note.startswith(key_hash)
    ]
    if not ours or not all(
        is_signed_by(public_key, message=text, signature=signature) for signature in ours
    ):
        raise CheckFailed(
            f"This checkpoint of the log {origin} is not signed by the given key: it was changed, "
            "or the key is another one."
        )
    return tree_head


def leaf_of(event: Mapping[str, Any]) -> bytes:
    """Return the leaf hash of an event told as `seq`, `time`, `kind` and `body`.

    Raises CheckFailed for values that no event has.
    """
    try:
        body = canonical_json(event["body"]).decode("utf-8")
        return _leaf(seq=event["seq"], time=event["time"], kind=event["kind"], body=body)
    except (TypeError, ValueError) as error:
        raise CheckFailed("The event told is none of an event log.") from error


def _leaf(*, seq: int, time: str, kind: str, body: str) -> bytes:
    # The body goes in as the text stored, so that no other spelling of it has the same leaf.
    return merkle.leaf_hash(canonical_json({"seq": seq, "time": time, "kind": kind, "body": body}))


def _checkpoint(tree_head: TreeHead, *, origin: str) -> bytes:
    if not re.fullmatch(r"[^\s+]+", origin):
        raise BadInput("The origin of a log is a name without spaces and plus signs.")
    return f"{origin}\n{tree_head.size}\n{to_base64(tree_head.root)}\n".encode()


def _note_key_hash(public_key: Ed25519PublicKey, *, name: str) -> bytes:
    key = name.encode() + b"\n" + _NOTE_ED25519 + raw_public_key(public_key)
    return hashlib.sha256(key).digest()[:_NOTE_KEY_BYTES]


def _signature(line: str) -> tuple[str, bytes]:
    match = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line)
    if not match:
        raise ValueError("a signature line is malformed")
    return match[1], from_base64(match[2])
