"""What an earlier unweave published of models, which no deletion can take back (law 9).

It logged digests of weights and ledgers, and wrote losses of steps into MLMD. Training is
deterministic, so each of them confirms a guess of a deleted row to whoever has the other rows and
the secret; the log is signed and append-only, so they stay. A workspace that holds such says so,
and how to begin anew: the same key file gives the same placement and the same bits.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from lineage_store.log import ModelMade, of_kind

NAMED = 3
WHAT = (
    "what an earlier unweave published of {models}: digests in the signed log, and losses of steps "
    "in MLMD if it had one, which confirm guesses of deleted rows"
)
HOW = (
    "begin anew: train into a new workspace under the same key file (keys/secret), from a file "
    "without the rows of whoever was forgotten, and remove this workspace and its backups"
)


def models_published_before(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the ids of models of which digests were logged in the clear, oldest first."""
    made = (event for _, event in of_kind(connection, ModelMade))
    return tuple(event.model for event in made if event.served is None)


def what_is_left(models: Sequence[str]) -> str:
    """Say what there is of such models, in half a sentence."""
    more = len(models) - NAMED
    named = ", ".join(models[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return WHAT.format(models=named)


def told_of_earlier(connection: sqlite3.Connection) -> dict[str, Any] | None:
    """Return what an answer says of such models; None if there are none."""
    models = models_published_before(connection)
    if not models:
        return None
    return {"models": list(models), "what": what_is_left(models), "how": HOW}
