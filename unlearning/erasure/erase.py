"""The steps of a deletion run, in the order in which they are taken.

    look     what would stop the run at its end (a file that cannot be read, an id in a note) is
             told while nothing has changed (`residues`, `left_out`)
    open     what a killed run needs to go on (ids, row keys, values) is sealed (`sealed_request`)
    plan     `plan.plan_model` for every live model that holds a row
    unlearn  `fit.refit`, then `checks.check`
    record   the new model is registered; only now may anything go
    erase    the digests of what goes are kept, a scan says whether anything is in the way, old
             models' folders go, rows leave the index, files are compacted, a scan proves it
    certify  the certificate is written, the key of what was sealed is destroyed

Record first, then act: each step can run again after a kill, and gives the same result. Clocks and
randomness come from outside.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lineage_store.canonical import canonical_json, sync_folder, write_atomic
from lineage_store.clock import Clock
from lineage_store.errors import WorkspaceBusy
from lineage_store.index import compact, models, row_index, writing_index
from lineage_store.processing import serve_names
from lineage_store.progress import phase
from lineage_store.workspace import Workspace
from unlearning.erasure.erased_digests import (
    ended_digests,
    keep_no_longer,
    lengths_of,
    record_ended,
)
from unlearning.erasure.residues import must_be_clean
from unlearning.erasure.scan import (
    EVERYWHERE,
    Places,
    Scan,
    distinctive,
    occurring,
    scan_apart,
)
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan_file import load_plan
from unlearning.planning.sealed_request import OpenRequest, load_open


def erase(workspace: Workspace, request_id: str, *, clock: Clock) -> Scan:
    """Erase what learnt from a request's rows, and scan the workspace for what is left.

    The new models must be registered. Raises ResidueFound, naming the files, if anything is found:
    before anything is erased, if it stands where nothing will be erased. Raises WorkspaceBusy if
    another program keeps the index open.
    """
    folder = workspace.request(request_id)
    opened, plans = load_open(folder), load_plan(folder)
    with writing_index(workspace) as connection:
        ended = [models.find_model(connection, plan.model_before) for plan in plans]
        gone = {record.id for record in ended}
        live = models.models(connection, live_only=True)
        stay = [one for one in live if one.id not in gone]
        record_ended(workspace, request_id, ended=ended, live=stay)
        others = (row_index.rows_by_key(connection, opened.row_keys, one.snapshot) for one in stay)
        shared = frozenset().union(*(rows.key_set() for rows in others))
        goes = _that_goes(workspace, ended=ended, stay=stay)
        whole = all(one.state == "live" for one in ended)  # no killed run has begun to erase
        numbers = _numbers(ended) if whole else None
        lengths = lengths_of(workspace, ended, live=stay) if whole else opened.lengths
    staying = sorted({path for one in stay for path in one.paths.values()})
    first = Places(goes, staying)
    own = _that_are_theirs(workspace, opened, stay)
    opened = replace(opened, lengths=lengths)
    before = _scan(workspace, request_id, opened, own, shared=shared, places=first)
    must_be_clean(before, "Nothing was erased yet:")
    keep_no_longer(workspace, request_id, before.stays)
    phase("erasing")
    with writing_index(workspace) as connection:
        serve_names(workspace, connection, ending=gone)
        for plan in plans:
            _erase_model(connection, workspace, plan, time=clock())
        with connection:
            row_index.remove(connection, opened.row_keys, subjects=opened.subjects)
            row_index.keep_snapshots(connection, (record.snapshot for record in stay))
        shared = row_index.staying(connection, opened.row_keys)
    _clear_serving(workspace)
    # A killed run ended them: what the index said of them is not known any more.
    patterns = None if numbers is None else [*opened.keyed_patterns(staying=shared), *numbers]
    if not compact(workspace.index_file, gone=patterns):
        raise WorkspaceBusy(
            "Another program is reading the index (unweave.sqlite), and as long as it does, pages "
            "with the deleted rows cannot go: close it and run the same command again, which ends "
            "this deletion. The new models are served, and the old ones are erased."
        )
    scan = _scan(workspace, request_id, opened, own, shared=shared)
    must_be_clean(scan, "After the erasure")
    write_atomic(folder.erasure, canonical_json(scan.past.to_json()) + b"\n")
    return scan


@dataclass(frozen=True)
class _Theirs:
    """The values of the rows that go, as texts and as bytes, that no row which stays has."""

    texts: Sequence[str]
    numbers: Sequence[bytes]


def _that_are_theirs(
    workspace: Workspace, opened: OpenRequest, stay: Sequence[models.ModelRecord]
) -> _Theirs:
    data, rows = (
        [workspace.absolute(record.paths[name]) for record in stay] for name in ("data", "rows")
    )
    texts = [one for one in opened.tokens if one not in opened.names]
    values = distinctive(texts, staying=[*data, workspace.root / "modules"])
    held = occurring(opened.numbers, rows)
    return _Theirs(values, [one for one in opened.numbers if one not in held])


def _scan(
    workspace: Workspace,
    request_id: str,
    opened: OpenRequest,
    own: _Theirs,
    *,
    shared: frozenset[bytes],
    places: Places = EVERYWHERE,
) -> Scan:
    """Scan for the ids, and for keys, pseudonyms and values of the rows that no other row has.

    What stays does not change while others are erased, so it is asked once what its rows have.
    """
    ids = [one for one in opened.names if is_distinctive(one)]
    left_out = [one for one in ids if one in opened.left_out]
    texts = [*(one for one in ids if one not in left_out), *own.texts]
    opened_in = workspace.relative(workspace.request(request_id).open_file)
    scan = scan_apart(
        workspace.root,
        [*opened.keyed_patterns(staying=shared), *_written(texts), *own.numbers],
        elsewhere=_written(left_out),
        digests=ended_digests(workspace, request_id),
        digest_key=workspace.keys().manifest,
        lengths=opened.lengths,
        places=replace(places, skip=[opened_in, *places.skip]),
    )
    # Of ids alone: how many values of the rows others have as well would answer guesses (law 9).
    unsearched = len(opened.names) - len(ids)
    return replace(scan, not_distinctive=unsearched, left_out=len(left_out))


def _written(texts: Iterable[str]) -> list[bytes]:
    return sorted({pattern for text in texts for pattern in spellings(text)})


def _that_goes(
    workspace: Workspace,
    *,
    ended: Iterable[models.ModelRecord],
    stay: Iterable[models.ModelRecord],
) -> list[str]:
    """Return what is erased or rewritten in any case, by its path in the workspace."""
    kept = {path for record in stay for path in record.paths.values()}
    gone = {path for record in ended for path in record.paths.values()}
    versions = map(workspace.relative, (workspace.root / "serving").glob("*/*"))
    pushed = {record.paths["pushed"] for record in stay if "pushed" in record.paths}
    return [
        *(gone - kept),
        *(one for one in versions if one not in pushed),
        *(workspace.index_file.name + log for log in ("", "-wal", "-shm")),
        *(workspace.pseudonym_file.name + log for log in ("", "-wal", "-shm", "-journal")),
    ]


def _numbers(ending: Iterable[models.ModelRecord]) -> list[bytes]:
    """Return what the index says of trainings until the models end, as it is written there."""
    texts = []
    for record in ending:
        metrics, timings = record.report.get("metrics", {}), record.report.get("timings")
        if models.past_metrics(metrics) != metrics:
            texts.append(json.dumps(metrics, sort_keys=True).encode("ascii"))
        if timings is not None and models.past_timings(timings) != timings:
            texts.append(b'"written": %d' % timings["written"])
    return texts


def _erase_model(
    connection: sqlite3.Connection, workspace: Workspace, plan: ModelPlan, *, time: str
) -> None:
    old = models.find_model(connection, plan.model_before)
    if plan.model_after is not None:
        models.find_model(connection, plan.model_after)  # it must be registered by now
    with connection:
        state: models.ModelState = "withdrawn" if plan.model_after is None else "deleted"
        models.end(connection, plan.model_before, state=state, time=time)
    for folder in map(workspace.absolute, old.paths.values()):
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, so that it does not come back when the power goes."""
    if folder.exists():
        shutil.rmtree(folder)
    if folder.parent.exists():
        sync_folder(folder.parent)


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
            _remove(version)
