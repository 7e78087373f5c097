"""What was true at a time: the models that there were, and who was in them.

History survives a deletion, the data does not: of a model that has ended the record is left, of a
person who was forgotten the commitment in the exclusion manifest, which recognises the id given.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import deletions, models, row_index
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import entries_of
from lineage_store.workspace.folder import Workspace

DATE = len("2026-01-31")  # no date alone is longer, and no time is as short


def time_of(text: str) -> datetime:
    """Read a time; a date alone means its end, and a time without a zone is in UTC.

    Raises BadInput for anything but ISO 8601.
    """
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise BadInput(
            f"{text!r} is no time: write 2026-01-31, or 2026-01-31T12:00:00+00:00."
        ) from error
    if len(text) <= DATE:
        time += timedelta(days=1, microseconds=-1)
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def models_at(connection: sqlite3.Connection, time: str | None) -> list[models.ModelRecord]:
    """List the models that there were at a time, in the states that they had; None is now."""
    if time is None:
        return models.models(connection)
    then = time_of(time)
    return [
        record
        if record.ended is not None and time_of(record.ended) <= then
        else replace(record, state="live", ended=None)
        for record in models.models(connection)
        if time_of(record.created) <= then
    ]


def subject_in_models(
    connection: sqlite3.Connection,
    workspace: Workspace,
    keys: Keys,
    subject: str,
    *,
    time: str | None,
) -> dict[str, Any]:
    """Say which models a subject is or ever was in, by a time.

    Raises NothingFound for a subject that never was in any, or of which that is not known.
    """
    records = models_at(connection, time)
    known = deletions.exclusion(connection, *entries_of(keys, subject))
    if known is not None:
        found = _before_deletion(connection, records, known)
    else:
        found = _by_index(connection, workspace, keys, subject, records)
    if known is not None and not known.models:
        raise NothingFound(
            f"The subject given was forgotten on {known.since} (request {known.request}) by an "
            f"earlier unweave, which did not keep in which models it was."
        )
    if not found:
        raise NothingFound(
            "The subject given has no row in any model that there "
            + ("is." if time is None else f"was at {time}.")
        )
    forgotten = known is not None and (time is None or time_of(known.since) <= time_of(time))
    return {
        "as_of": time,
        "forgotten": known.since if known is not None and forgotten else None,
        "request": known.request if known is not None and forgotten else None,
        "models": found,
    }


def _by_index(
    connection: sqlite3.Connection,
    workspace: Workspace,
    keys: Keys,
    subject: str,
    records: Sequence[models.ModelRecord],
) -> list[dict[str, Any]]:
    with closing(Pseudonyms(workspace.pseudonym_file, keys, to_read=True)) as pseudonyms:
        known_as = list(pseudonyms.of_same(subject).values())
    snapshots = {one for who in known_as for one in row_index.snapshots_of_subject(connection, who)}
    return [
        _line(record, rows=len(row_index.rows_of_subjects(connection, known_as, record.snapshot)))
        for record in records
        if record.snapshot in snapshots
    ]


def _before_deletion(
    connection: sqlite3.Connection,
    records: Sequence[models.ModelRecord],
    known: deletions.Exclusion,
) -> list[dict[str, Any]]:
    """Return the models that held the subject until its deletion; its rows are not known any more.

    Those that the deletion found it in, and their forerunners on the same snapshot.
    """
    everyone = {record.id: record for record in models.models(connection)}
    held = [everyone[model] for model in known.models]
    return [
        _line(record, rows=None)
        for record in records
        if any(record.snapshot == one.snapshot and record.ordinal <= one.ordinal for one in held)
    ]


def _line(record: models.ModelRecord, *, rows: int | None) -> dict[str, Any]:
    return {
        "model": record.id,
        "state": record.state,
        "guarantee": record.guarantee,
        "created": record.created,
        "ended": record.ended,
        "rows": rows,
    }
