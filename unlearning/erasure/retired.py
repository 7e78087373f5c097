"""The end of a model that nobody asked to be deleted: it is no longer needed, or its time is over.

Retired, a model is not served, not planned on, and erased: its data, ledger, weights and what was
pushed of it go, and with them the keys and spellings of people of whom no other model has rows.
Nobody is kept out by it: whoever was in it may be trained on again, which is what the log says, too
(*model retired*), and there is no certificate. It is recorded first; killed in between, the next
command goes on, since the folders of a model that has ended are no longer there when all is done.
"""

import shutil
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing

from lineage_store.canonical import sync_folder
from lineage_store.errors import BadInput
from lineage_store.index import (
    base_of,
    compact,
    deletions,
    logging_events,
    models,
    reading_index,
    row_index,
    writing_index,
)
from lineage_store.index.models import ModelRecord
from lineage_store.keys import Pseudonyms
from lineage_store.log import ModelRetired, events, of_kind
from lineage_store.processing import kept_until, load_named, serve_names
from lineage_store.workspace import Workspace

Mark = Callable[[Workspace, ModelRecord], None]


def retire(
    workspace: Workspace,
    model_id: str,
    *,
    mark: Mark,
    time: str,
    by: str | None,
    until: str | None = None,
) -> ModelRecord:
    """End a live model and erase it; `mark` says so in the public record. Returns what it was.

    `until` is the last day of its time, if that is what ends it. Raises BadInput for one that is
    not live, or that another one was trained from.
    """
    with logging_events(workspace) as log:
        deletions.must_be_none_running(log)
        must_be_retirable(log, [model_id])
        record = models.find_model(log, model_id)
        models.end(log, record.id, state="withdrawn", time=time)
        events.append(log, ModelRetired(record.id, by, until), time=time)
    _erase(workspace, record, mark=mark)
    return record


def must_be_retirable(connection: sqlite3.Connection, wanted: Collection[str]) -> None:
    """Raise BadInput if one of these is not live, or another model was trained from it."""
    live = models.models(connection, live_only=True)
    for model_id in wanted:
        record = models.find_model(connection, model_id)
        if record.state != "live":
            raise BadInput(f"The model {record.id} is {record.state}: it has ended already.")
        from_it = [one.id for one in live if base_of(one) == record.id and one.id not in wanted]
        if from_it:
            raise BadInput(
                f"The model {', '.join(from_it)} was trained from {record.id}: retire that first."
            )


def retire_over(
    workspace: Workspace, *, spare: Collection[str], mark: Mark, time: str
) -> tuple[str, ...]:
    """End the superseded versions of names whose time is over, newest first; return them.

    Those in `spare` stay, and so does what another model was trained from, as long as that is live.
    """
    with reading_index(workspace) as connection:
        kept = kept_until(connection, load_named(workspace)).values()
        live = models.models(connection, live_only=True)
        over = {
            one.model: one.until
            for one in kept
            if one.is_over(time[:10]) and not one.served and one.model not in spare
        }
    ended: list[str] = []
    for record in reversed(live):
        needed = any(base_of(one) == record.id and one.id not in ended for one in live)
        if record.id in over and not needed:
            retire(workspace, record.id, mark=mark, time=time, by=None, until=over[record.id])
            ended.append(record.id)
    return tuple(ended)


def finish_retired(workspace: Workspace, *, mark: Mark) -> None:
    """Erase what a killed command left of models that it had retired."""
    with reading_index(workspace) as connection:
        retired = {one.model for _, one in of_kind(connection, ModelRetired)}
        records = [one for one in models.models(connection) if one.id in retired]
    for record in records:
        if any(workspace.absolute(path).exists() for path in record.paths.values()):
            _erase(workspace, record, mark=mark)


def _erase(workspace: Workspace, record: ModelRecord, *, mark: Mark) -> None:
    """Erase a model that has ended; its data go last, by which it is seen that it was not done."""
    mark(workspace, record)
    with writing_index(workspace) as connection:
        serve_names(workspace, connection)
        live = models.models(connection, live_only=True)
        with connection:
            row_index.keep_snapshots(connection, (one.snapshot for one in live))
    compact(workspace.index_file)
    if workspace.pseudonym_file.exists():
        pseudonyms = Pseudonyms(workspace.pseudonym_file, workspace.keys())
        with reading_index(workspace) as connection, closing(pseudonyms):
            pseudonyms.shred(
                one
                for one in pseudonyms.every_spelling()
                if (who := pseudonyms.find(one)) is not None
                and not row_index.has_rows(connection, who)
            )
    kept = {path for one in live for path in one.paths.values()}
    last = record.paths.get("data")
    for path in sorted(record.paths.values(), key=lambda path: path == last):
        folder = workspace.absolute(path)
        if path not in kept and folder.exists():
            shutil.rmtree(folder)
            sync_folder(folder.parent)
