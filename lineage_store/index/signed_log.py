"""Appending to the event log: what is logged together is committed together, and then signed.

`logging_events` is the one way to a connection that takes events, so that no event is without a
signed head; but for the desk, which has no key to sign with (`events_to_be_signed`). Killed between
the transaction and the signature, a command leaves a head that is older than the log: it still
holds, and the next block signs a newer one.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lineage_store.canonical import write_atomic
from lineage_store.errors import WorkspaceBusy
from lineage_store.index.database import PATIENCE, reading_index, writing_index
from lineage_store.keys.signing import load_private_key
from lineage_store.log import events, subtrees
from lineage_store.log.events import ORIGIN, LogConnection, TreeHead
from lineage_store.workspace.folder import Workspace, writing


@contextmanager
def logging_events(
    workspace: Workspace, *, held: bool = True, wait: float = 0
) -> Iterator[LogConnection]:
    """Open the index for one transaction that may append events, and sign the head at its end.

    The workspace is held for writing by the caller; without (`held` is False), the head is signed
    here only if nobody else holds it: who does signs one when it is done, with these events in it.
    If the block raises, nothing of it is kept and nothing is signed. Where another transaction
    takes longer than SQLite waits anyhow, it is waited for so many seconds.
    """
    with writing_index(workspace) as connection:
        if wait > 0:
            connection.execute(f"PRAGMA busy_timeout = {int(max(wait, PATIENCE) * 1000)}")
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield LogConnection(connection)
    if held:
        sign_log(workspace)
        return
    with suppress(WorkspaceBusy), writing(workspace.root, create=False):
        sign_log(workspace)


@contextmanager
def events_to_be_signed(workspace: Workspace) -> Iterator[LogConnection]:
    """Open the index for one transaction that may append events, without signing a head.

    The head that there is still holds; the next command signs one with these events in it.
    """
    with writing_index(workspace) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield LogConnection(connection)


def sign_log(workspace: Workspace) -> TreeHead:
    """Write the signed head of the event log next to it, and return the head."""
    with reading_index(workspace) as connection:
        head = events.head(connection)
    signed = events.sign_head(head, load_private_key(workspace.signing_key), origin=ORIGIN)
    write_atomic(workspace.head_file, signed)
    return head


def log_size(workspace: Workspace) -> int:
    """Return the number of events in the log."""
    with writing_index(workspace) as connection:
        return subtrees.size_of(connection)
