"""What the event log says of models and deletions: the part of the index that can be made again.

The log is read only after it was checked against its signed head, since all else is compared with
what it says.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from lineage_store.errors import CheckFailed
from lineage_store.index.models import Guarantee, ModelState
from lineage_store.keys.signing import load_public_key
from lineage_store.log import events
from lineage_store.log.kinds import (
    ExclusionLifted,
    ModelMade,
    ModelRetired,
    RowsDeleted,
    of_kind,
)
from lineage_store.workspace.folder import Workspace


@dataclass(frozen=True)
class LoggedModel:
    """A model as the log tells of it.

    `snapshot` follows from the order of the trainings: a deletion keeps its model's number.
    `ended` is the time of the deletion that ended it, or at which it was retired.
    """

    id: str
    family: str
    snapshot: int
    state: ModelState
    created: str
    guarantee: Guarantee
    request: str | None
    weights: str
    ledger: str
    served: str | None = None
    ended: str | None = None


@dataclass(frozen=True)
class LoggedDeletion:
    """A deletion as the log tells of it: `models` are the ended ones, with what replaced each.

    `ids` counts the subjects or rows that were named; an earlier unweave did not log it. `lifted`
    of them have agreed anew since (`readmission`).
    """

    request: str
    time: str
    certificate: str
    models: Mapping[str, str | None]
    guarantees: Mapping[str, str]
    ids: int | None = None
    lifted: int = 0


@dataclass(frozen=True)
class Logged:
    """All models and deletions of the log, in its order."""

    models: tuple[LoggedModel, ...]
    deletions: tuple[LoggedDeletion, ...]


def check_log(connection: sqlite3.Connection, workspace: Workspace) -> None:
    """Check every event, and the log against its signed head.

    Raises CheckFailed, saying what does not hold, also if the head is gone.
    """
    if not workspace.head_file.exists():
        raise CheckFailed(
            f"The signed head of the event log, {workspace.head_file.name}, is gone: restore it "
            f"from a backup."
        )
    signed = events.verify_head(
        workspace.head_file.read_bytes(),
        load_public_key(workspace.public_key),
        origin=events.ORIGIN,
    )
    events.check(connection, earlier=signed)


def read_logged(connection: sqlite3.Connection) -> Logged:
    """Read what a checked log says."""
    made = list(of_kind(connection, ModelMade))
    lifted = Counter[str]()
    for _, entry in of_kind(connection, ExclusionLifted):
        lifted[entry.request] += entry.ids
    deletions = [
        LoggedDeletion(
            request=one.request,
            time=event.time,
            certificate=one.certificate,
            models=one.models,
            guarantees=one.guarantees,
            ids=one.ids,
            lifted=lifted[one.request],
        )
        for event, one in of_kind(connection, RowsDeleted)
    ]
    trained = [one.model for _, one in made if one.request is None]
    snapshots = {model: number for number, model in enumerate(trained, start=1)}
    ended: dict[str, tuple[str | None, str | None]] = {
        model: (deletion.time, after)
        for deletion in deletions
        for model, after in deletion.models.items()
    }
    ended |= {one.model: (event.time, None) for event, one in of_kind(connection, ModelRetired)}
    models = []
    for event, one in made:
        time, after = ended.get(one.model, (None, None))
        state: ModelState = "live" if time is None else "withdrawn" if after is None else "deleted"
        models.append(
            LoggedModel(
                id=one.model,
                family=one.family,
                snapshot=snapshots[one.family],
                state=state,
                created=event.time,
                guarantee=cast(Guarantee, one.guarantee),
                request=one.request,
                weights=one.weights,
                ledger=one.ledger,
                served=one.served,
                ended=time,
            )
        )
    return Logged(tuple(models), tuple(deletions))
