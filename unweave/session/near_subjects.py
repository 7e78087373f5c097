"""Ids that may be the same subjects': of the workspace, and of a file that somebody names."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lineage_store.errors import AlreadyForgotten, NothingFound, SpelledOtherwise
from lineage_store.keys import canonical_id
from lineage_store.questions.alike import Alike, asking_for, other_spellings
from lineage_store.requests import Details, NearMatch
from lineage_store.sources import AS_IT_IS, open_source
from lineage_store.workspace import Workspace
from unweave.session.forget_options import must_be_text
from unweave.session.session import Session


def spelled_otherwise(session: Session, ids: Sequence[str]) -> Alike:
    """Return the other spellings of some ids that have rows."""
    with session.reading() as (workspace, connection):
        return other_spellings(connection, workspace, workspace.keys(), ids)


@contextmanager
def telling_of_others(session: Session, ids: Sequence[str]) -> Iterator[None]:
    """Let nobody be answered that nothing was found without other spellings being told of.

    Raises SpelledOtherwise in the place of NothingFound, if there are any or that is not known.
    """
    try:
        yield
    except NothingFound as error:
        found = spelled_otherwise(session, ids)
        recognised = isinstance(error, AlreadyForgotten) and not found.spellings
        if recognised or not found.in_words():
            raise
        raise SpelledOtherwise(
            f"{error} {found.in_words()}", fields=found.to_json(), spellings=found.by_number
        ) from error


def with_alike(
    connection: sqlite3.Connection, workspace: Workspace, details: Details, *, kind: str
) -> tuple[Details, Alike]:
    """Return a request's details with the other spellings of its ids that have rows, and those.

    Ids of rows have no other spellings. Raises BadInput for ids that are no text.
    """
    if kind != "subject":
        return details, Alike()
    must_be_text(details.ids)
    return asking_for(connection, workspace, details)


def with_near(session: Session, details: Details, *, source: Path, column: str) -> Details:
    """Return details with the ids in a file that look like one of theirs and have rows, in order.

    Raises BadInput if the file cannot be read.
    """
    from lineage_store.data import ids_in, near_ids
    from pipelines.runs import ForgetRequest, whereabouts

    meant = {canonical_id(one) for one in details.ids}
    found = near_ids(details.ids, ids_in(open_source(source, AS_IT_IS.knowing([column])), column))
    near = {one: why for one, why in sorted(found.items()) if canonical_id(one) not in meant}
    with session.reading() as (workspace, connection):
        each = whereabouts(connection, workspace, ForgetRequest(tuple(near)), workspace.keys())
    matches = (
        NearMatch(other, why, max(map(len, where.rows.values())))
        for (other, why), where in zip(near.items(), each, strict=True)
        if where.rows
    )
    return replace(details, near=tuple(matches))
