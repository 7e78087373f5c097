"""The audit: is what the workspace says of its models true, and is what was deleted gone?

    log        every event against its leaf, the log against its signed head, and a head kept apart;
               where its times go back, and certificates that bear a time which cannot be
    records    index and MLMD against log, ledgers and data (the doctor, which repairs nothing here)
    files      checkpoints, updates, row stores, modules and served models against their digests
    residues   folders of ended models that are back, files with the digest of one that was erased
    replay     segments between checkpoints, taken again and compared
               (`unlearning.verification.replay`); the row store made again from the gated data; the
               weights that are served

All parts are told, whatever an earlier one found. Nothing is written but to a folder that goes
again (`while_reading`). Without a replay TensorFlow is not imported. While a deletion waits to be
finished there is no audit: half of it is done.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lineage_store.cells import load_snapshot
from lineage_store.errors import CheckFailed, UnweaveError
from lineage_store.index import (
    all_requests,
    check_log,
    models,
    must_be_none_running,
    read_logged,
    reading_index,
)
from lineage_store.index.models import ModelRecord
from lineage_store.keys import load_public_key
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.log import ORIGIN, SAY_WHICH, clock_jumps, events
from lineage_store.progress import counter
from lineage_store.questions import told_of_earlier
from lineage_store.rows import RowStore, open_rows
from lineage_store.workspace import Workspace, reading_folder, who_works
from pipelines.runs.doctor import examine
from unlearning.certificates import odd_moments
from unlearning.erasure import digests_served, ended_digests, scan_apart
from unlearning.families import encoding_of_ledger, family_of_ledger
from unlearning.fingerprint import same_code
from unlearning.fingerprint.environment import differing
from unlearning.planning import fingerprints_today
from unlearning.verification import differing_files
from unlearning.verification.replay import BITS, TOLERANCE, Segment, chosen, replay, segments

Answer = dict[str, Any]
UNREADABLE = (OSError, ValueError, KeyError, TypeError, UnweaveError)


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: the part of the audit, where, and what."""

    part: str
    where: str
    what: str


@dataclass(frozen=True)
class _Model:
    """A live model as it lies on disk."""

    record: ModelRecord
    ledger: Ledger
    store: RowStore

    @property
    def approximate(self) -> bool:
        """Whether its rows and checkpoints may be gone in part."""
        return self.record.claim.leaves_derived


def audit(workspace: Workspace, *, head: Path | None, replays: int, seed: int, time: str) -> Answer:
    """Audit a workspace; take so many segments again, drawn by the seed from all live models.

    `head` is a signed head of the log that was kept apart; `time` is that of now, behind which
    nothing may lie. `ok` is true if nothing was found.
    Raises Unfinished while a deletion waits to be finished, WorkspaceBusy while one is running.
    """
    with reading_index(workspace) as connection:
        must_be_none_running(connection, worker=who_works(workspace.root))
        records = models.models(connection)
        found = list(_log(connection, workspace, head))
        found += _times(connection, workspace, time)
        found += _came_back(connection, workspace, records)
        served = _served(connection)
        earlier = _earlier(connection)
        gone = _still_gone(connection)
    found += [
        Finding("records", one["where"], one["what"])
        for one in examine(workspace)["differences"]
        if not (one["where"] == "event log" and found)
    ]
    live = [_opened(workspace, record, found) for record in records if record.state == "live"]
    opened = [model for model in live if model is not None]
    as_signed: list[ModelRecord] = []
    for model in opened:
        so_far = len(found)
        paths = {name: workspace.absolute(path) for name, path in model.record.paths.items()}
        try:
            for what in differing_files(
                model.ledger,
                paths,
                approximate=model.approximate,
                served=served.get(model.record.id),
            ):
                found.append(Finding("files", model.record.id, what))
        except UNREADABLE:
            found.append(Finding("files", model.record.id, "its files cannot be read"))
        if len(found) == so_far and served.get(model.record.id):
            as_signed.append(model.record)
    found += _copies(workspace, as_signed, gone=gone)
    replayed = None
    if replays:
        with reading_folder(workspace.root):  # for what libraries keep for a while, too
            replayed = _replayed(workspace, opened, found, replays=replays, seed=seed)
    return {
        "ok": not found,
        "findings": [asdict(finding) for finding in found],
        "models": len(opened),
        "held_head": head is not None,
        "earlier": earlier,
        "replay": replayed,
    }


def _log(connection: sqlite3.Connection, workspace: Workspace, head: Path | None) -> Iterator[Any]:
    try:
        check_log(connection, workspace)
        if head is not None:
            key = load_public_key(workspace.public_key)
            held = events.verify_head(head.read_bytes(), key, origin=ORIGIN)
            events.check(connection, earlier=held)
    except CheckFailed as error:
        yield Finding("log", "event log", str(error).rstrip("."))


def _times(connection: sqlite3.Connection, workspace: Workspace, time: str) -> list[Finding]:
    """Tell where the clock went back, unless it was said which side was right, and odd moments."""
    try:
        jumps = clock_jumps(connection, time=time)
        odd = list(odd_moments(connection, workspace, jumps=jumps))
    except UNREADABLE:
        return []  # of a log that cannot be believed; that was told
    found = [
        Finding("log", "times", f"{jump.in_words()}; {SAY_WHICH}")
        for jump in jumps
        if jump.right is None
    ]
    return found + [Finding("log", request, what) for request, what in odd]


def _served(connection: sqlite3.Connection) -> dict[str, str | None]:
    """Return the commitment to the files that were pushed of each model, as the log has it."""
    try:
        return {model.id: model.served for model in read_logged(connection).models}
    except UNREADABLE:
        return {}  # of a log that cannot be believed; that was told


def _earlier(connection: sqlite3.Connection) -> Answer | None:
    """Return what of an earlier unweave answers guesses: nothing that can be put right here."""
    try:
        return told_of_earlier(connection)
    except UNREADABLE:
        return None  # of a log that cannot be believed; that was told


def _came_back(
    connection: sqlite3.Connection, workspace: Workspace, records: Sequence[ModelRecord]
) -> Iterator[Finding]:
    """Look for folders of ended models: nothing but a backup brings them back."""
    try:
        ended = {model.id: model.ended for model in read_logged(connection).models if model.ended}
    except UNREADABLE:
        return  # of a log that cannot be believed; that was told
    kept = {path for record in records if record.state == "live" for path in record.paths.values()}
    for record in records:
        if record.id not in ended:
            continue
        there = [
            name
            for name, path in sorted(record.paths.items())
            if path not in kept and workspace.absolute(path).exists()
        ]
        if there:
            yield Finding(
                "residues",
                record.id,
                f"it was ended by a deletion on {ended[record.id]}, and is back on disk: "
                f"{', '.join(there)}; remove what was restored of it",
            )


def _still_gone(connection: sqlite3.Connection) -> list[str]:
    """Return the deletions of which not everybody has agreed anew since.

    Who has may be trained on again, on just the same rows: that is what was erased, and no residue.
    """
    try:
        every = read_logged(connection).deletions
    except UNREADABLE:
        return [one.id for one in all_requests(connection)]
    return [one.request for one in every if not one.lifted or one.ids != one.lifted]


def _copies(
    workspace: Workspace, as_signed: Sequence[ModelRecord], *, gone: Iterable[str]
) -> Iterator[Finding]:
    """Look for what was erased, less what models that are as they were signed are served with."""
    key = workspace.keys().manifest
    digests = frozenset[str]().union(*(ended_digests(workspace, one) for one in gone))
    if not digests or not scan_apart(workspace.root, [], digests=digests, digest_key=key).found:
        return
    # Their files are read again only now: an audit seldom finds anything.
    if others := digests - digests_served(workspace, as_signed):
        for name in scan_apart(workspace.root, [], digests=others, digest_key=key).found:
            yield Finding("residues", name, "this file is one that a deletion erased: remove it")


def _opened(workspace: Workspace, record: ModelRecord, found: list[Finding]) -> _Model | None:
    try:
        ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
        return _Model(record, ledger, open_rows(workspace.absolute(record.paths["rows"])))
    except UNREADABLE:
        found.append(Finding("files", record.id, "its ledger or its row store cannot be read"))
        return None


def _replayed(
    workspace: Workspace,
    opened: Sequence[_Model],
    found: list[Finding],
    *,
    replays: int,
    seed: int,
) -> Answer:
    """Take segments again, and add to what was found; return what was done."""
    there: list[tuple[_Model, Segment]] = []
    without = 0
    for model in opened:
        try:
            parts, gone = segments(model.ledger, model.store, approximate=model.approximate)
        except UNREADABLE:
            continue  # told with the files
        there += [(model, part) for part in parts]
        without += gone
    drawn = chosen(there, number=replays, seed=seed)
    why: set[str] = set()
    steps = 0
    add = counter("replaying", len(drawn))
    for model in opened:
        mine = [segment for one, segment in drawn if one is model]
        if mine:
            differs = _differs(model.ledger)
            why.update(differs)
            steps += _replay_model(workspace, model, mine, found, exact=not differs, add=add)
    return {
        "segments": len(there),
        "replayed": len(drawn),
        "stages_without_rows": without,
        "steps": steps,
        "seed": seed,
        "compared": "within a tolerance" if why else "bit for bit",
        "tolerance": TOLERANCE if why else 0.0,
        "differs": sorted(why),
    }


def _differs(ledger: Ledger) -> list[str]:
    """Name what makes bits incomparable: the code that trains, or parts of the environment."""
    today = fingerprints_today(ledger)
    names = differing(ledger.header.environment, today.environment)
    same = same_code(ledger.header.code, today.code)
    return [*([] if same else ["code"]), *names]


def _replay_model(
    workspace: Workspace,
    model: _Model,
    wanted: Sequence[Segment],
    found: list[Finding],
    *,
    exact: bool,
    add: Any,
) -> int:
    from unlearning.fitting import learner_of
    from unlearning.training import config_of, open_base
    from unlearning.verification import replay_run, replay_sums

    ledger, model_id, steps = model.ledger, model.record.id, 0
    try:
        config = config_of(ledger)
        learner = learner_of(ledger, model.store)()
        base = None if config.base is None else open_base(workspace, config.base)
        optimizer = learner.describe().optimizer
        if exact and optimizer != ledger.header.optimizer:
            what = "its module builds another optimizer than the recorded one"
            found.append(Finding("replay", model_id, what))
        run = replay_run(ledger, learner, base=base)
        for segment in wanted:
            if family_of_ledger(ledger).trail != "steps":  # one unit a part, in no tolerance
                done = replay_sums(learner, model.store, ledger, segment)
            else:
                done = replay(
                    run, model.store, ledger.shard(segment.shard), segment,
                    optimizer=optimizer, tolerance=BITS if exact else TOLERANCE,
                )  # fmt: skip
            steps += done.steps
            if done.failure is not None:
                where = f"{model_id}, {segment.name}"
                found.append(Finding("replay", where, done.failure))
            add(1)
        if not _as_gated(workspace, model):
            what = "its row store is not what its gated data give"
            found.append(Finding("replay", model_id, what))
        pushed = workspace.absolute(model.record.paths["pushed"])
        rule = ledger.header.options.aggregate
        if exact and not learner.serves(pushed, ledger.final_weights(), rule=rule):
            what = "the served model holds other weights than its ledger"
            found.append(Finding("replay", model_id, what))
    except UNREADABLE as error:
        why = str(error).rstrip(".") if isinstance(error, UnweaveError) else "it cannot be read"
        found.append(Finding("replay", model_id, why))
    return steps


def _as_gated(workspace: Workspace, model: _Model) -> bool:
    """Make the row store again from the gated data, and compare."""
    from unlearning.encoding import store_from_snapshot

    snapshot = load_snapshot(workspace.absolute(model.record.paths["data"]))
    with reading_folder(workspace.root) as folder:
        again = store_from_snapshot(
            folder / "rows",
            snapshot,
            model.ledger.partition,
            encoding_of=partial(encoding_of_ledger, model.ledger),
        )
        if again.counts != model.store.counts:
            return False
        slices = [(s, r) for s, counts in enumerate(again.counts) for r in range(len(counts))]
        return again.evaluation().digest() == model.store.evaluation().digest() and all(
            again.slice_rows(*one).digest() == model.store.slice_rows(*one).digest()
            for one in slices
        )
