"""The steps of a deletion run, in the order in which they are taken.

    open     what a killed run needs to go on (ids, row keys, values) is sealed (`sealed_request`)
    plan     `plan.plan_model` for every live model that holds a row
    unlearn  `fit.refit`, then `checks.check`
    record   the new model is registered; only now may anything go
    erase    the digests of what goes are kept, old models' folders go, rows leave the index, files
             are compacted, a scan proves it
    certify  the certificate is written, the key of what was sealed is destroyed

Record first, then act: each step can run again after a kill, and gives the same result. Time and
randomness come from outside.
"""

import shutil
import sqlite3
from collections.abc import Sequence

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.errors import ResidueFound
from lineage_store.index import compact, models, row_index, writing_index
from lineage_store.workspace import Workspace
from unlearning.erasure.erased_digests import ended_digests, record_ended
from unlearning.erasure.scan import Scan, distinctive, occurring, scan_apart
from unlearning.erasure.tokens import spellings
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan_file import load_plan
from unlearning.planning.sealed_request import OpenRequest, load_open


def erase(workspace: Workspace, request_id: str, *, time: str) -> Scan:
    """Erase what learnt from a request's rows, and scan the workspace for what is left.

    The new models must be registered. Raises ResidueFound, naming the files, if anything is found.
    """
    folder = workspace.request(request_id)
    opened, plans = load_open(folder), load_plan(folder)
    with writing_index(workspace) as connection:
        ended = [models.find_model(connection, plan.model_before) for plan in plans]
        gone = {record.id for record in ended}
        stay = [one for one in models.models(connection, live_only=True) if one.id not in gone]
        record_ended(workspace, request_id, ended=ended, live=stay)
        for plan in plans:
            _erase_model(connection, workspace, plan, time=time)
        with connection:
            row_index.remove(connection, opened.row_keys, subjects=opened.subjects)
            row_index.keep_snapshots(connection, (record.snapshot for record in stay))
        shared = row_index.staying(connection, opened.row_keys)
    _clear_serving(workspace)
    compact(workspace.index_file)
    scan = _scan(workspace, request_id, opened, stay=stay, shared=shared)
    if not scan.clean:
        left = [*scan.found, *scan.unread]
        raise ResidueFound(
            f"After the erasure {len(left)} files still hold something of the deleted rows, "
            f"or are not understood: {', '.join(left[:5])}. Remove them and run the same forget "
            f"again."
        )
    write_atomic(folder.erasure, canonical_json(scan.to_json()) + b"\n")
    return scan


def _scan(
    workspace: Workspace,
    request_id: str,
    opened: OpenRequest,
    *,
    stay: Sequence[models.ModelRecord],
    shared: frozenset[bytes],
) -> Scan:
    """Scan for keys, pseudonyms, ids and values of the rows that no other row has."""
    data, rows = (
        [workspace.absolute(record.paths[name]) for record in stay] for name in ("data", "rows")
    )
    texts = [*opened.ids, *(one for one in opened.tokens if one not in opened.ids)]
    tokens = distinctive(texts, staying=[*data, workspace.root / "modules"])
    held = occurring(opened.numbers, rows)
    numbers = [one for one in opened.numbers if one not in held]
    written = {pattern for token in tokens for pattern in spellings(token)}
    return scan_apart(
        workspace.root,
        [*opened.keyed_patterns(staying=shared), *sorted(written), *numbers],
        digests=ended_digests(workspace, request_id),
        not_distinctive=len(texts) - len(tokens) + len(shared) + len(held),
        skip=[workspace.relative(workspace.request(request_id).open_file)],
    )


def _erase_model(
    connection: sqlite3.Connection, workspace: Workspace, plan: ModelPlan, *, time: str
) -> None:
    old = models.find_model(connection, plan.model_before)
    if plan.model_after is not None:
        models.find_model(connection, plan.model_after)  # it must be registered by now
    with connection:
        state: models.ModelState = "withdrawn" if plan.model_after is None else "deleted"
        models.end(connection, plan.model_before, state=state, time=time)
    for path in old.paths.values():
        if workspace.absolute(path).exists():
            shutil.rmtree(workspace.absolute(path))


def _clear_serving(workspace: Workspace) -> None:
    """Remove every pushed version that is not a live model's: a killed run may leave one."""
    with writing_index(workspace) as connection:
        live = {
            workspace.absolute(record.paths["pushed"])
            for record in models.models(connection, live_only=True)
            if "pushed" in record.paths
        }
    for version in (workspace.root / "serving").glob("*/*"):
        if version not in live:
            shutil.rmtree(version)
