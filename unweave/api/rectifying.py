"""Rectification (Article 16 GDPR), one flow: forget, readmit, train on the corrected file.

Asked for by the option `rectifies` of a training, which names the request. What that names is
forgotten first, by a run like any other: the wrong rows are out of every model, with a certificate.
Then the person is let in again, and the training that was asked for takes the rows as they are
corrected now. The request ends when that model is registered. Killed in between, or where the
training failed, the request stays *to be corrected*, and the same command goes on where it stood
(after `run-requests`, if a deletion was interrupted): who was forgotten is not forgotten twice.

What the person is told must be so: of whom no model has a row nothing is corrected, and the request
ends as nothing found; and it does not end with a model that holds no row of theirs.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import (
    Queued,
    deletions,
    lift,
    logging_events,
    queue,
    queue_changes,
    reading_index,
)
from lineage_store.keys import entries_of_ids
from lineage_store.requests import Details, open_details
from lineage_store.rights import TO_BE_CORRECTED
from lineage_store.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.jobs import Command


def take_out_the_wrong(
    workspace: Workspace,
    request: str,
    *,
    command: "Command",
    derived_until: str,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Forget what a request names, and let it in again; safe to repeat.

    Raises BadInput for a request that does not wait for that, OnHold for one whose rows are held
    or restricted by another, NothingFound where no model has any: the request has ended so.
    """
    from pipelines.runs import ForgetRequest, whereabouts_of
    from pipelines.runs.forget import forget

    found, details = _waiting(workspace, request, today=command.today)
    with reading_index(workspace) as connection:
        named = queue.commitments_of(connection, request)
        queue.must_not_be_held(connection, named, today=command.today, but=(request,))
        there = [
            id_
            for id_, one in zip(
                details.ids, whereabouts_of(connection, workspace, found), strict=True
            )
            if one.rows
        ]
    rows = found.kind == "row"
    if not there and found.invoked.taken_out is None:
        end_corrected(workspace, request, found=0, time=command.time)
        raise NothingFound(
            f"No live model has a row of whom {request} names, so there is nothing to correct: the "
            f"request ended as nothing found, and nothing was trained."
        )
    if there:
        wanted = ForgetRequest(tuple(there), rows, derived_until=derived_until, queued=(found.id,))
        forget(workspace, wanted, command=command, random_bytes=random_bytes)
    entries = entries_of_ids(workspace.keys(), details.ids, rows=rows)
    with logging_events(workspace) as log:
        run = queue.find(log, request).invoked.taken_out
        known = [
            names
            for names in entries
            if (entry := deletions.exclusion(log, *names)) is not None and entry.request == run
        ]
        if known:
            lift(log, known, time=command.time)


def corrected_in(workspace: Workspace, request: str, *, model: str) -> int:
    """Count the ids that a request names of which a model holds rows."""
    from pipelines.runs import whereabouts_of

    with reading_index(workspace) as connection:
        each = whereabouts_of(connection, workspace, queue.find(connection, request))
    return sum(model in one.rows for one in each)


def end_corrected(workspace: Workspace, request: str, *, found: int, time: str) -> None:
    """End a request, of so many of whose ids a model was trained on corrected rows: none, maybe."""
    with logging_events(workspace) as log:
        queue_changes.answered(log, queue.find(log, request), found=found, time=time, by=None)


def _waiting(workspace: Workspace, request: str, *, today: str) -> tuple[Queued, Details]:
    with reading_index(workspace) as connection:
        deletions.must_be_none_running(connection)
        found = queue.find(connection, request)
    state = found.state(today)
    if state != TO_BE_CORRECTED or found.invoked.right != "rectification" or found.sealed is None:
        raise BadInput(
            f"The request {found.id} is {found.invoked.right}, {state}: `rectifies` names one of "
            f"rectification that is {TO_BE_CORRECTED}."
        )
    return found, open_details(found.sealed, found.id, key=workspace.keys().requests)
