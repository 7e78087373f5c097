"""What would stop a deletion at its end, found out before it is recorded (law 7)."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_store.canonical import has_links
from lineage_store.index import models
from lineage_store.workspace import Workspace
from pipelines.runs.find_rows import ForgetRequest, FoundRows
from unlearning.erasure import LeftOut, find_left_out, lengths_of, look_before, must_be_decided
from unlearning.planning import ModelPlan


@dataclass(frozen=True)
class Looked:
    """The ids that the scan may leave out of unweave's own files, and the lengths of what goes."""

    left_out: tuple[str, ...]
    lengths: tuple[int, ...]


def to_be_decided(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, found: FoundRows
) -> list[LeftOut]:
    """Return the ids that what stays has too, by their place among ids and their spellings."""
    live = models.models(connection, live_only=True)
    return find_left_out(
        workspace,
        (*request.ids, *found.spellings),
        live=live,
        deleted={record.id: found.in_model(record.id).key_set() for record in live},
    )


def look(
    connection: sqlite3.Connection,
    workspace: Workspace,
    request: ForgetRequest,
    found: FoundRows,
    plans: Sequence[ModelPlan],
) -> Looked:
    """Return what the scans of this run are to know.

    Raises CheckFailed if that is to be decided, ResidueFound for what is in the way.
    """
    names = (*request.ids, *found.spellings)
    left = to_be_decided(connection, workspace, request, found)
    must_be_decided(left, count=len(names), accepted=request.accept_left_out)
    ids = tuple(names[one.place] for one in left)
    ending = [models.find_model(connection, plan.model_before) for plan in plans]
    look_before(workspace, names, ending=ending, left_out=ids)
    return Looked(ids, lengths_of(workspace, ending))


def notes_of_disk(workspace: Workspace) -> tuple[str, ...]:
    """Return what whoever forgets is told of the file system: that it has no hard links."""
    if has_links(workspace.temporary):
        return ()
    return (
        "The workspace's file system has no hard links: what a deletion takes over is copied, and "
        "costs its bytes on disk until the old model's are erased.",
    )
