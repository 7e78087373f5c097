"""Restriction of rows (Article 18 GDPR), where it meets rows: `rights.invoked` says what it means.

A request restricts from when it is clear whose rows are meant: its ids, their rows and their other
spellings stand beside those of the forgotten from then on, where the gate looks. Before a deletion
is recorded, its rows are compared with those of everybody who is restricted.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

from lineage_store.cells import load_snapshot, read_some
from lineage_store.doctor import Difference
from lineage_store.errors import BadInput, CheckFailed, NothingFound, OnHold
from lineage_store.index import (
    IndexedRows,
    Queued,
    base_of,
    logging_events,
    manifest,
    models,
    queue,
    queue_changes,
    reading_index,
    writing_index,
)
from lineage_store.keys import Pseudonyms, alike_entry
from lineage_store.log import LogConnection
from lineage_store.requests import (
    Details,
    KeptRow,
    all_kept,
    destroy_kept,
    keep_rows,
    open_details,
    rows_kept_of,
)
from lineage_store.rights import TO_BE_RESTRICTED
from lineage_store.workspace import Workspace
from pipelines.runs.find_rows import ForgetRequest, FoundRows, Whereabouts, whereabouts


@dataclass(frozen=True)
class Restricted:
    """The rows that are restricted, by live model and row key: by which requests."""

    rows: Mapping[str, Mapping[bytes, frozenset[str]]]

    def bars(self, found: Mapping[str, IndexedRows], *, but: Collection[str] = ()) -> list[str]:
        """Return the requests that restrict one of these rows, but those that delete them."""
        barring: dict[str, None] = {}
        for model, rows in found.items():
            here = self.rows.get(model, {})
            for key in rows.key_set() & here.keys():
                barring |= dict.fromkeys(sorted(here[key].difference(but)))
        return list(barring)


def restrict(
    connection: LogConnection,
    workspace: Workspace,
    request: Queued,
    details: Details,
    *,
    time: str,
    by: str | None,
) -> None:
    """Restrict what a request names; part of the caller's transaction."""
    _enter(connection, workspace, request, details)
    queue_changes.restricted(connection, request, time=time, by=by)


def restrict_waiting(workspace: Workspace, *, time: str) -> None:
    """Restrict what waited for nothing but the end of a hold, before anything is trained or run.

    Safe to repeat. A person is not made to wait for the next run of requests (Article 18(1)).
    """
    with reading_index(workspace) as connection:
        every = queue.all_queued(connection, open_only=True)
        waiting = [one for one in every if one.state(time[:10]) == TO_BE_RESTRICTED]
    if not waiting:
        return
    with logging_events(workspace) as log:
        for one in waiting:
            found = queue.find(log, one.id)
            if found.sealed is not None and found.state(time[:10]) == TO_BE_RESTRICTED:
                details = open_details(found.sealed, found.id, key=workspace.keys().requests)
                restrict(log, workspace, found, details, time=time, by=None)


def restrict_anew(connection: sqlite3.Connection, workspace: Workspace, request: Queued) -> None:
    """Restrict what a request in effect names by now, and nothing else; safe to repeat.

    Its ids may have been answered anew, or its entries been lost. In the caller's transaction.
    """
    if request.sealed is not None and _differs(connection, request):
        manifest.unrestrict(connection, request.id)
        details = open_details(request.sealed, request.id, key=workspace.keys().requests)
        _enter(connection, workspace, request, details)


def compare_restrictions(workspace: Workspace) -> tuple[Difference, ...]:
    """Say whose restriction the gate does not know as it was asked for, and which rows are gone."""
    found = []
    with reading_index(workspace) as connection:
        for one in _in_effect(connection):
            if _differs(connection, one):
                what = "it does not restrict the ids that it names, or others, too"
                found.append(Difference(f"index, request {one.id}", what, True))
            if one.invoked.taken_out is not None and one.invoked.restricts:
                try:
                    rows_kept_of(workspace, one.id)
                except BadInput as error:
                    found.append(Difference(f"disk, request {one.id}", _clause(error), False))
    return tuple(found)


def repair_restrictions(workspace: Workspace) -> None:
    """Let the gate know again whom requests restrict."""
    with writing_index(workspace) as connection, connection:
        for one in _in_effect(connection):
            restrict_anew(connection, workspace, one)


def _in_effect(connection: sqlite3.Connection) -> list[Queued]:
    every = queue.all_queued(connection, open_only=True)
    return [one for one in every if one.invoked.in_effect]


def _differs(connection: sqlite3.Connection, request: Queued) -> bool:
    named = queue.commitments_of(connection, request.id)
    return set(named) != set(manifest.named_by(connection, request.id))


def _clause(error: BadInput) -> str:
    return str(error)[0].lower() + str(error)[1:].removesuffix(".")


def _enter(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, details: Details
) -> None:
    keys = workspace.keys()
    wanted = ForgetRequest(details.ids, request.kind == "row")
    names = wanted.commitments(keys)
    manifest.restrict(connection, request.id, kind=wanted.kind, commitments=names)
    each = whereabouts(connection, workspace, wanted, keys)
    for name, where, others in zip(names, each, wanted.canonical_keys(keys), strict=True):
        kept = {
            model: {
                bytes.fromhex(keys.commitment(kind="row", value=key))
                for key in (*rows.key_set(), *others)
            }
            for model, rows in where.rows.items()
        }
        manifest.keep_rows(connection, name, kept)
    if not wanted.rows:
        for name, one in zip(names, wanted.ids, strict=True):
            manifest.keep_alike(connection, name, alike_entry(keys, one))


def restricted_rows(connection: sqlite3.Connection, workspace: Workspace) -> Restricted:
    """Return all rows of live models that are restricted, whosever they are besides."""
    found: dict[str, dict[bytes, frozenset[str]]] = {}
    for name in manifest.restricted_by(connection):
        for one in whereabouts_of(connection, workspace, queue.find(connection, name)):
            for model, rows in one.rows.items():
                here = found.setdefault(model, {})
                for key in rows.key_set():
                    here[key] = here.get(key, frozenset()) | {name}
    return Restricted(found)


def whereabouts_of(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued
) -> list[Whereabouts]:
    """Look for what an open request names: nothing, where its details are gone."""
    if request.sealed is None:
        return []
    keys = workspace.keys()
    details = open_details(request.sealed, request.id, key=keys.requests)
    return whereabouts(connection, workspace, _named(request, details), keys)


def respect_restrictions(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, found: FoundRows
) -> None:
    """Raise OnHold if rows would go that are restricted, and seal those that are to be kept."""
    must_not_be_restricted(connection, workspace, request, found)
    keep_those_restricted(connection, workspace, request)


def must_not_be_restricted(
    connection: sqlite3.Connection,
    workspace: Workspace,
    request: ForgetRequest,
    found: FoundRows,
) -> None:
    """Raise OnHold if one of the rows that would go is restricted by another request.

    So is one that is to be kept by this request alone: that may end before the other.
    """
    by = restricted_rows(connection, workspace).bars(found.rows, but=request.queued)
    if by:
        raise OnHold(
            f"Rows that would go are of somebody, too, who is restricted (request {by[0]}, Article "
            f"18 GDPR): nothing was changed; they can go once that restriction is lifted."
        )


def must_carry_none_restricted(
    connection: sqlite3.Connection, workspace: Workspace, record: models.ModelRecord
) -> None:
    """Raise OnHold if a model, or one that it was trained from, learnt from restricted rows."""
    carrying = restricted_rows(connection, workspace).rows
    line: str | None = record.id
    while line is not None:
        if carrying.get(line):
            raise OnHold(
                f"The model {line} learnt from rows that are restricted (Article 18 GDPR), so "
                f"nothing more is trained from it: take them out of it first (`unweave request "
                f"keep-rows`), or train without `base`."
            )
        line = base_of(models.find_model(connection, line))


def keep_those_restricted(
    connection: sqlite3.Connection, workspace: Workspace, asked: ForgetRequest
) -> None:
    """Seal the rows of restrictions that the run that begins takes out of the models.

    That is before the run is recorded: from then on they are no more to be found. Raises
    CheckFailed where there is none of what was asked for: what is not kept must not go.
    """
    records = {one.id: one for one in models.models(connection, live_only=True)}
    for name in asked.queued if asked.keep_rows else ():
        request = queue.find(connection, name)
        assert request.sealed is not None, "a restriction keeps whom it is about until it ends"
        details = open_details(request.sealed, request.id, key=workspace.keys().requests)
        each = whereabouts_of(connection, workspace, request)
        spelled = _spelled(workspace) if request.kind == "row" else {}
        rows = [
            row
            for id_, where in zip(details.ids, each, strict=True)
            for model, here in where.rows.items()
            for row in _rows(workspace, records[model], id_, here, spelled)
        ]
        if not rows:
            raise CheckFailed(
                f"No row of {name} was found that could be kept: nothing was changed."
            )
        keep_rows(workspace, name, rows)


def _rows(
    workspace: Workspace,
    record: models.ModelRecord,
    id_: str,
    here: IndexedRows,
    spelled: Mapping[bytes, str],
) -> Iterable[KeptRow]:
    snapshot = load_snapshot(workspace.absolute(record.paths["data"]))
    names = [column.name for column in snapshot.schema.all]
    labels = tuple(label.name for label in snapshot.schema.labels)
    read = {one.row_key: one for one in read_some(snapshot, here)}
    for key, split in zip(here.row_keys, here.splits, strict=True):
        found = read.get(key.tobytes())
        values = None if found is None else dict(zip(names, found.values, strict=True))
        joint = found is not None and len(set(found.subjects)) > 1
        whose = () if found is None else found.subjects
        subject = next((spelled[one] for one in whose if one in spelled), None)
        yield KeptRow(id_, record.id, split, key.tobytes().hex(), joint, values, labels, subject)


def _spelled(workspace: Workspace) -> dict[bytes, str]:
    """Return how the data spell each person, by pseudonym."""
    keys = workspace.keys()
    with closing(Pseudonyms(workspace.pseudonym_file, keys, to_read=True)) as pseudonyms:
        every = ((pseudonyms.find(one), one) for one in pseudonyms.every_spelling())
        return {pseudonym: one for pseudonym, one in every if pseudonym is not None}


def _named(request: Queued, details: Details) -> ForgetRequest:
    return ForgetRequest(details.ids, request.kind == "row")


def sweep_kept(workspace: Workspace) -> None:
    """Destroy rows that were kept of requests that keep none any more: a killed command left them.

    Of a run that was taken back they go with the next that keeps them, or at the end.
    """
    names = all_kept(workspace)
    if not names:
        return
    with reading_index(workspace) as connection:
        for name in names:
            keeps = False
            with suppress(NothingFound, BadInput):
                found = queue.find(connection, name)
                keeps = found.ended is None and found.invoked.keep_rows
            if not keeps:
                destroy_kept(workspace, name)
